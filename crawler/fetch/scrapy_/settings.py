"""Scrapy settings: polite by default; one request, one response, no interpretation.

`plan.planner` decides about redirects, robots.txt and retries, and cookies are not wanted. So every
middleware and extension that would handle them is left out.
"""

from crawler.fetch.options import FetchOptions

_DEFAULT = FetchOptions()

BOT_NAME = "tdm-audit"
SPIDER_MODULES = ["crawler.fetch.scrapy_"]
USER_AGENT = _DEFAULT.user_agent

# Scrapy's defaults for these add up to most of its time per response, and none of them has an
# effect here: there are no items, no callbacks and no readers of the statistics.
CONCURRENT_ITEMS = 1
WARN_ON_GENERATOR_RETURN_VALUE = False
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
EXTENSIONS_BASE: dict[str, int] = {}
STATS_CLASS = "scrapy.statscollectors.DummyStatsCollector"

CONCURRENT_REQUESTS = _DEFAULT.concurrency
# One request in flight to a host: the politeness that docs/reference/crawling.md promises. The
# spider sets the slot to the host, so that http, https and all ports of a host count as one.
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_TIMEOUT = _DEFAULT.timeout
#: Scrapy waits DOWNLOAD_DELAY plus or minus the jitter: with this factor 1.0 to 1.5 times the
#: delay of the options, never less. `run` computes the delay with the same factor.
DOWNLOAD_DELAY_JITTER = 0.2
DELAY_FACTOR = 1.25
DOWNLOAD_DELAY = _DEFAULT.delay * DELAY_FACTOR
# `http.body` caps what is read; Scrapy would drop a response that is too large.
DOWNLOAD_MAXSIZE = 0
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_HANDLERS = {
    "http": "crawler.fetch.scrapy_.download_handler.DownloadHandler",
    "https": "crawler.fetch.scrapy_.download_handler.DownloadHandler",
    **dict.fromkeys(("data", "file", "ftp", "s3")),
}

ROBOTSTXT_OBEY = False
REDIRECT_ENABLED = False
RETRY_ENABLED = False
COOKIES_ENABLED = False
COMPRESSION_ENABLED = False
REFERER_ENABLED = False
TELNETCONSOLE_ENABLED = False

LOG_LEVEL = "ERROR"
LOG_FORMATTER = "crawler.fetch.scrapy_.download_handler.SilentLogFormatter"
#: No reactor, see docs/explanation/decisions/0005-a-crawl-without-a-reactor.md: Scrapy then closes
#: its event loop, and may start another in this process.
TWISTED_REACTOR_ENABLED = False
ASYNCIO_EVENT_LOOP = "uvloop.Loop"
