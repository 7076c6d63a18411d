"""A typical Scrapy spider for comparison: chained callbacks and a feed of JSON lines.

`python -m benchmarks.plain_scrapy ORIGINS FEED CONCURRENCY`. Other settings are Scrapy's defaults.
"""

import hashlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

from benchmarks.hosts import PATHS


class PlainSpider(Spider):
    """Fetch the same files from every origin, one after the other."""

    name = "plain"
    handle_httpstatus_list = (404,)
    origins: str

    async def start(self) -> AsyncIterator[Any]:
        for origin in Path(self.origins).read_text("utf-8").split():
            base = origin.rstrip("/")
            yield Request(base + PATHS[0], cb_kwargs={"base": base, "rest": PATHS[1:]})

    def parse(self, response: Response, base: str, rest: tuple[str, ...]) -> Iterator[Any]:
        yield {
            "url": response.url,
            "status": response.status,
            "headers": dict(response.headers.to_unicode_dict()),
            "digest": hashlib.sha256(response.body).hexdigest(),
        }
        if rest:
            yield Request(base + rest[0], cb_kwargs={"base": base, "rest": rest[1:]})


def main(origins: str, feed: str, concurrency: str) -> None:
    process = AsyncCrawlerProcess(
        {
            "CONCURRENT_REQUESTS": int(concurrency),
            "FEEDS": {feed: {"format": "jsonlines"}},
            "LOG_LEVEL": "INFO",
        }
    )
    process.crawl(PlainSpider, origins=origins)
    process.start()


if __name__ == "__main__":
    main(*sys.argv[1:])
