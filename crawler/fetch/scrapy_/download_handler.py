"""Scrapy's way to our client: a download handler that hands requests over."""

from typing import Any, cast
from weakref import WeakKeyDictionary

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.logformatter import LogFormatter

from crawler.fetch.http.client import Client
from crawler.fetch.options import FetchOptions

_CLIENTS: WeakKeyDictionary[Crawler, Client] = WeakKeyDictionary()


class SilentLogFormatter(LogFormatter):
    """Spares Scrapy a line of its log for each answer, which it would make and then drop."""

    def crawled(self, *_: Any, **__: Any) -> Any:
        """No line."""


class DownloadHandler(BaseDownloadHandler):
    """For http and https. A request brings its `connector.Trip` in `meta`, and the trip knows
    afterwards what was learned, whether or not there was an answer.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        options = cast("FetchOptions", crawler.spider.options)  # type: ignore[union-attr]
        # One for both schemes, so that an address is one address to both.
        self._client = _CLIENTS.get(crawler) or Client(options)
        _CLIENTS[crawler] = self._client

    async def download_request(self, request: Request) -> Response:
        """Send a request; its headers are those that it needs beside the usual ones."""
        headers = {
            name.decode(): b",".join(values).decode() for name, values in request.headers.items()
        }
        return await self._client.get(request.url, headers, request.meta["trip"])

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()
