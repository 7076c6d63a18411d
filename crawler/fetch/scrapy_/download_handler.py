"""Scrapy download handler that sends requests with `http.client.Client` instead of Twisted."""

from typing import Any, cast
from weakref import WeakKeyDictionary

from scrapy import Request
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.logformatter import LogFormatter

from crawler.fetch.http.client import Client
from crawler.fetch.options import FetchOptions
from crawler.fetch.slots import EndedError

# One client for both schemes, so that the limit per address counts an address once.
_CLIENTS: WeakKeyDictionary[Crawler, Client] = WeakKeyDictionary()


class SilentLogFormatter(LogFormatter):
    """Skip the log line of each response, which Scrapy would format and then drop."""

    def crawled(self, *_: Any, **__: Any) -> Any:
        """Return None, which means no line."""


class DownloadHandler(BaseDownloadHandler):
    """Download handler for http and https.

    Each request has an `http.connector.RequestContext` in `meta["request_context"]`. The client
    fills it with what it learns of the connection, whether or not there is a response.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        options = cast("FetchOptions", crawler.spider.options)  # type: ignore[union-attr]
        self._client = _CLIENTS.get(crawler) or Client(options)
        _CLIENTS[crawler] = self._client

    async def download_request(self, request: Request) -> Response:
        """Send a request and return its response; request headers add to the default ones.

        Raises `EndedError` if its visit ended while it waited for the delay.
        """
        if request.meta["request_context"].is_ending():
            raise EndedError
        headers = {
            name.decode(): b",".join(values).decode() for name, values in request.headers.items()
        }
        return await self._client.get(request.url, headers, request.meta["request_context"])

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()
