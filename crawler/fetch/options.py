"""Fetch options: politeness, limits and addressing of a crawl, validated when made."""

import re
from dataclasses import dataclass

from crawler import __version__, media
from crawler.fetch.http import address_guard, connect_to
from crawler.plan.budget import OriginBudget
from crawler.plan.planner import AGENT

# The budget of an origin, and what each page beyond the first, media file and page of terms adds.
_ORIGIN_TIME_S, _MORE_TIME_S = 30.0, 3.0
_ORIGIN_CPU_S, _MORE_CPU_S = 2.0, 0.2
_ORIGIN_BYTES = 64_000_000

# In the User-Agent the contact stands in a comment, which parentheses, quotes and backslashes would
# end or change (RFC 9110, 5.6.5).
_CONTACT_OCTETS = re.compile(r"""[!#-'*-\[\]-~]+""")
_LABELS = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)"
_CONTACT = re.compile(
    rf"""https?://(?:{_LABELS}*|\[[0-9a-f:.]+\])\.?(?::\d{{1,5}})?(?:[/?#].*)?"""
    rf"""|[^@\s<>,;:]+@{_LABELS}+""",
    re.IGNORECASE,
)


def _is_contact(text: str) -> bool:
    """Return whether a text is an http(s) URL or a mail address that a User-Agent can carry."""
    return _CONTACT_OCTETS.fullmatch(text) is not None and _CONTACT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions:
    """Options of a crawl. Times are seconds, sizes are octets.

    - `concurrency`: origins visited at the same time
    - `delay`: minimum time between the starts of two requests to a host
    - `per_address`: maximum number of requests in flight to one IP address
    - `timeout`: for a whole request; `connect_timeout`: for DNS, and for connecting
    - `time_budget`: for the whole crawl, None for no limit
    - `origin_time`, `origin_cpu`, `origin_bytes`: for the requests of one origin, after which the
      rest is withheld; 0 for no limit, and None for `origin_budget` to decide
    - `max_body`, `max_media`: kept of a response, and of a media file
    - `pages`, `media`, `terms`: sampled pages, media files and terms pages per origin
    - `adaptive_pages`: fetch no more of these pages than tell the share that reserves
    - `contact`: URL or mail address in the User-Agent
    - `connect_to`: rules of `http.connect_to`; `allow_network`: CIDR exceptions of the guard
    - `full_every`: age of a whole response from which it is requested in full again
    - `policy_files_always`: fetch policy files in spite of a `Disallow`
    - `context`: also fetch files that say nothing binding, as llms.txt
    - `listed`: the pages are URLs of a list, `pages` of them at most in one visit

    Raises ValueError with a one-sentence message for an invalid value.
    """

    concurrency: int = 64
    delay: float = 1.0
    timeout: float = 15.0
    connect_timeout: float = 5.0
    pages: int = 1
    adaptive_pages: bool = False
    contact: str = ""
    max_body: int = 1024 * 1024
    per_address: int = 8
    connect_to: tuple[str, ...] = ()
    allow_network: tuple[str, ...] = ()
    time_budget: float | None = None
    full_every: float = 30 * 86400.0
    policy_files_always: bool = False
    context: bool = False
    media: int = 0
    terms: int = 0
    listed: bool = False
    max_media: int = 16 * 1024 * 1024
    origin_time: float | None = None
    origin_cpu: float | None = None
    origin_bytes: int | None = None

    def __post_init__(self) -> None:
        for rule in self.connect_to:
            connect_to.parse(rule)
        address_guard.parse_networks(self.allow_network)
        if self.contact and not _is_contact(self.contact):
            raise ValueError(
                f"contact {self.contact!r} is neither an http(s) URL nor a mail address; write "
                "https://example.org/our-audit or audit@example.org, in printable US-ASCII "
                "without spaces, parentheses and quotes"
            )
        if min(self.concurrency, self.per_address, self.max_body) < 1:
            raise ValueError("concurrency, per_address and max_body must be at least 1")
        if min(self.delay, self.full_every, self.pages, self.media, self.terms) < 0:
            raise ValueError("delay, full_every, pages, media and terms must not be negative")
        if self.media and (missing := media.missing_packages()):
            raise ValueError(
                f"media files are read with {' and '.join(missing)}; "
                "install them with: .venv/bin/pip install -e '.[media]'"
            )
        if min(self.timeout, self.connect_timeout) <= 0:
            raise ValueError("timeouts must be greater than 0")
        if min(self.origin_time or 0, self.origin_cpu or 0, self.origin_bytes or 0) < 0:
            raise ValueError("origin_time, origin_cpu and origin_bytes must not be negative")

    @property
    def origin_budget(self) -> OriginBudget:
        """Return the budget of one origin; by default, files that the user asks for add to it."""
        more = max(0, self.pages - 1) + self.media + self.terms
        time, cpu, octets = self.origin_time, self.origin_cpu, self.origin_bytes
        return OriginBudget(
            time=_ORIGIN_TIME_S + more * _MORE_TIME_S if time is None else time,
            cpu=_ORIGIN_CPU_S + more * _MORE_CPU_S if cpu is None else cpu,
            octets=_ORIGIN_BYTES + more * self.max_media if octets is None else octets,
        )

    @property
    def user_agent(self) -> str:
        """Return the User-Agent: product token, version and contact (RFC 9110, 10.1.5)."""
        return f"{AGENT}/{__version__}" + (f" (+{self.contact})" if self.contact else "")
