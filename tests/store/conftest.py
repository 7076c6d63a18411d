"""Databases of imagined answers, judged."""

from dataclasses import replace

import pytest

from crawler import page, rulesets
from crawler.commands.judge import rebuild
from crawler.evaluate.snapshot import EXPECTED
from crawler.model import Observation, Origin, Target
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, transaction
from crawler.vocab import PAGES, Outcome, Resource

AT = "2026-11-22T00:00:00.000Z"
SIGNALS = rulesets.load("signals")
HTML = (("content-type", "text/html"),)
NEW_RUN = runs.NewRun(
    command="",
    version="",
    versions={},
    settings={},
    user_agent="",
    suffix_list="",
    catalogue="",
)


def answer(host: str, resource: Resource, path: str, body: str) -> Observation:
    """What a host sends at a path."""
    url = f"https://{host}{path}"
    is_page = resource in PAGES
    return Observation(
        target=Target(resource=resource, asked=url, url=url),
        outcome=Outcome.RESPONDED,
        status=200,
        headers=HTML if is_page else (),
        body=body.encode(),
        size=len(body),
        started_at=AT,
        extract=page.extract(body.encode()) if is_page else b"",
    )


def _absent(host: str, given: list[Observation]) -> list[Observation]:
    asked = {o.target.resource for o in given}
    return [
        replace(answer(host, resource, path, ""), status=404, headers=())
        for resource, path in EXPECTED.items()
        if resource not in asked
    ]


@pytest.fixture
def audit(tmp_path):
    """Make a database of observations, each of the origin of its URL; three rows an origin.

    Resources that every origin is asked for are absent where they are not given.
    """
    opened = []

    def make(*seen: Observation, keep_contacts: bool = False):
        db = connect(tmp_path / "audit.db", create=True)
        opened.append(db)
        hosts = list(dict.fromkeys(o.target.url.split("/")[2] for o in seen))
        origins = [
            Origin(scheme="https", host=h, port=443, site=".".join(h.split(".")[-2:]))
            for h in hosts
        ]
        new = evidence_writer.NewDataset(
            path="d", files=(), format="csv", url_column="url", weight_column="", rows=3, rejects=()
        )
        with transaction(db):
            evidence_writer.add_dataset(db, new, [(o.host, o, 3, None, []) for o in origins], AT)
            number = runs.begin_run(db, NEW_RUN, AT)
            for n, host in enumerate(hosts, start=1):
                its = [o for o in seen if o.target.url.split("/")[2] == host]
                evidence_writer.save_visit(db, number, n, [*its, *_absent(host, its)], AT)
        rebuild(db, chosen=SIGNALS, keep_contacts=keep_contacts)
        return db

    yield make
    for db in opened:
        db.close()
