"""Scrapy's settings: polite by default, one hop at a time, blind to meaning.

Redirects, robots.txt, retries and cookies are decided by `crawler.plan.planner` or not wanted, so
every middleware and extension that would see to them is left out. The first four settings of
the second block also cost most of Scrapy's time per response when left as they are.
"""

from crawler.fetch.options import FetchOptions

_DEFAULT = FetchOptions()

BOT_NAME = "tdm-audit"
SPIDER_MODULES = ["crawler.fetch.scrapy_"]
USER_AGENT = _DEFAULT.user_agent

CONCURRENT_ITEMS = 1
WARN_ON_GENERATOR_RETURN_VALUE = False
DOWNLOADER_MIDDLEWARES_BASE: dict[str, int] = {}
SPIDER_MIDDLEWARES_BASE: dict[str, int] = {}
EXTENSIONS_BASE: dict[str, int] = {}
STATS_CLASS = "scrapy.statscollectors.DummyStatsCollector"

CONCURRENT_REQUESTS = _DEFAULT.concurrency
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_TIMEOUT = _DEFAULT.timeout
#: Scrapy waits DOWNLOAD_DELAY give or take the jitter: from 1.0 to 1.5 of what was asked for,
#: never less. `run` computes the delay from the options with the same factor.
DOWNLOAD_DELAY_JITTER = 0.2
DELAY_FACTOR = 1.25
DOWNLOAD_DELAY = _DEFAULT.delay * DELAY_FACTOR
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
#: No reactor: Scrapy then closes the event loop it began, and may begin another in this process.
TWISTED_REACTOR_ENABLED = False
ASYNCIO_EVENT_LOOP = "uvloop.Loop"
