"""Crawl the jobs on standard input and print the visits; tests send signals to it."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from crawler.fetch import scheduler
from crawler.fetch.scrapy_.run import FetchOptions, OriginJob, Visit, crawl
from crawler.model import Origin

DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str, assumed: bool) -> Origin:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return Origin(scheme=parts.scheme, host=host, port=port, site=host, assumed=assumed)


class PrintingFrontier:
    """A frontier in memory that prints every visit as it is saved."""

    def __init__(self, given: list[dict]) -> None:
        self.given = given
        self.taken = 0

    def jobs(self) -> Iterator[OriginJob]:
        for number, job in enumerate(self.given, start=1):
            self.taken += 1
            origin = origin_of(job["url"], job.get("assumed", False))
            yield OriginJob(origin_id=number, origin=origin, samples=tuple(job.get("samples", ())))

    def finish(self, ended: str) -> None:
        self.ended = ended

    def save(self, visits: Sequence[Visit]) -> None:
        if any(self.given[v.origin_id - 1].get("poison") for v in visits):
            raise OSError("the disk is full")
        for visit in visits:
            record = dataclasses.asdict(visit)
            print(json.dumps(record, default=lambda value: value.decode("latin-1")), flush=True)


def main() -> None:
    asked = json.load(sys.stdin)
    options = asked.get("options", {})
    for name in ("connect_to", "allow_network"):
        options[name] = tuple(options.get(name, ()))
    if "grace" in asked:
        scheduler.GRACE_S = asked["grace"]
    frontier = PrintingFrontier(asked["jobs"])
    counted: list[Visit] = []
    ended = crawl(frontier, FetchOptions(**options), on_visit=counted.append)
    print(json.dumps({"ended": ended, "taken": frontier.taken, "counted": len(counted)}))


if __name__ == "__main__":
    main()
