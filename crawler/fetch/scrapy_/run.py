"""Run a crawl in this process."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from scrapy.crawler import AsyncCrawlerProcess, Crawler
from scrapy.settings import Settings

from crawler import cycles
from crawler.fetch.options import FetchOptions
from crawler.fetch.scheduler import Frontier, OriginJob, RunEnd, Visit
from crawler.fetch.scrapy_.settings import DELAY_FACTOR
from crawler.fetch.scrapy_.spider import ReservationsSpider

__all__ = ["FetchOptions", "Frontier", "OriginJob", "RunEnd", "Visit", "crawl"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def crawl(
    workbook: Frontier, options: FetchOptions, on_visit: Callable[[Visit], None] | None = None
) -> RunEnd:
    """Visit every job of a workbook, call `on_visit` for each saved visit, say how it ended.

    SIGINT and SIGTERM stop it: visits in flight get `pool.GRACE` seconds, and those that are
    whole are saved; a second signal saves at once. Raises what the workbook raises.
    """
    process = AsyncCrawlerProcess(_settings(options))
    crawler = process.create_crawler(ReservationsSpider)
    task = process.crawl(crawler, workbook=workbook, options=options, on_visit=on_visit)
    with _stopped_by_signals(crawler), cycles.seldom():
        process.start(install_signal_handlers=False)
    if task.done() and (error := task.exception()) is not None:
        raise error
    spider = crawler.spider
    assert isinstance(spider, ReservationsSpider)
    if spider.failure is not None:
        raise spider.failure
    return spider.ended


def _settings(options: FetchOptions) -> Settings:
    settings = Settings()
    settings.setmodule("crawler.fetch.scrapy_.settings")
    settings.setdict(
        {
            "CONCURRENT_REQUESTS": options.concurrency,
            "DOWNLOAD_DELAY": options.delay * DELAY_FACTOR,
            "DOWNLOAD_TIMEOUT": options.timeout,
            "USER_AGENT": options.user_agent,
        },
        priority="cmdline",
    )
    return settings


@contextlib.contextmanager
def _stopped_by_signals(crawler: Crawler) -> Iterator[None]:
    """Scrapy's own handlers would wait for every download and save nothing in between."""
    loop = asyncio.get_event_loop()

    def stop() -> None:
        if isinstance(crawler.spider, ReservationsSpider):
            crawler.spider.stop()
        else:  # the signal came before the spider did
            loop.call_later(0.05, stop)

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    # Outside the main thread there are no signals to handle.
    with contextlib.suppress(ValueError, RuntimeError):
        for number in _SIGNALS:
            loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)
