"""Cells of tables: states with a sign, links to origins and bytes, numbers, and raw text."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup, escape

from crawler.reports.dataset_report import words
from crawler.reports.visible import visible
from crawler.serve.gate import DATABASE
from crawler.store.exported_tables import PART_BITS

Other = Callable[[str], Any]
_PURPOSES = frozenset((*words.PURPOSES, "state", "was", "became"))
_COUNTS = frozenset(
    "rows origins sites records bytes size observations attempts places statements issues pages "
    "looks missed partial_rows planned unseen total_rows total_origins total_sites files documents "
    "unattributable reserving_sites reserving_origins origins_reserving days".split()
)
_AMOUNTS = frozenset("weight total_weight total reserved_min reserved_shown reserved_max".split())
#: Columns with a number that each part of an audit counts for itself.
NUMBERS = frozenset(
    "observation confirms observation_before observation_after first_observation "
    "last_observation run list redaction pruning hold judging manifest".split()
)
_SHARE = re.compile(r"(?:[a-z]+_)*share(?:_[a-z]+)?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: Characters of a text that a cell shows: of the words of a document, of others, and of JSON.
MAX_WORDS, MAX_TEXT, MAX_JSON = 500, 240, 120
_WORDS = frozenset("raw reserving permitting snippet".split())
# Texts of documents, of requests and of JSON, in which every character counts.
_JSON = frozenset("headers settings versions outcomes reasons added removed exceptions".split())
_RAW = _JSON | frozenset(
    "raw reserving permitting snippet excerpt example policy policy_url url asked command path "
    "user_agent clause".split()
)


def origin_link(url: str) -> str:
    """Return the path of the page of an origin."""
    # Without `about` a URL is one page: `http://host` is its first one.
    return f"/-/origin?{urlencode({'url': url, 'about': 'origin'})}"


def bytes_link(digest: str, observation: int | None = None, *lines: int | None) -> str:
    """Return the path of the page of stored bytes, at the first of some lines."""
    marked = [line for line in lines if line]
    asked: list[tuple[str, Any]] = [("observation", observation)] if observation else []
    asked += [("line", line) for line in marked]
    place = f"#L{marked[0]}" if marked else ""
    return f"/-/bytes/{digest}{'?' if asked else ''}{urlencode(asked)}{place}"


def cell(column: str, value: Any, other: Other) -> Markup:
    """Return a cell as HTML; `other` returns another cell of its line, None if it has none."""
    if value is None:
        return Markup('<span class="null" title="NULL: not known, or none">–</span>')
    if isinstance(value, bytes):
        return Markup('<span class="null">{} octets</span>').format(f"{len(value):,}")
    if isinstance(value, int | float):
        return _number(column, value)
    return _text(column, str(value), other)


def _number(column: str, value: float) -> Markup:
    if _SHARE.fullmatch(column):
        return Markup('<span class="n">{}</span>').format(words.share(value).text)
    if column in NUMBERS and value >= 1 << PART_BITS:
        part, number = divmod(int(value), 1 << PART_BITS)
        text = f"{number} of part {part}"
        return Markup('<span class="n" title="{}">{}</span>').format(f"{value}", text)
    if column in _COUNTS or column in _AMOUNTS:
        return Markup('<span class="n">{}</span>').format(f"{value:,.0f}")
    return Markup('<span class="n">{}</span>').format(f"{value}")


def _text(column: str, value: str, other: Other) -> Markup:
    if column in _PURPOSES and value in words.SIGNS:
        return state(value)
    if column in ("origin", "one_of_them") and value.startswith(("http://", "https://")):
        return Markup('<a class="origin" href="{}">{}</a>').format(origin_link(value), cut(value))
    if column in ("digest", "stored", "document") and _DIGEST.fullmatch(value):
        target = bytes_link(other("stored") or value, other("observation"))
        return Markup('<a href="{}" title="{}"><code>{}…</code></a>').format(
            target, value, value[:12]
        )
    if column == "site":
        target = f"/{DATABASE}/reservations?{urlencode({'site__exact': value})}"
        return Markup('<a class="origin" href="{}">{}</a>').format(target, cut(value))
    if column == "place" and other("stored") and other("line"):
        target = bytes_link(
            other("stored"), other("observation"), other("line"), other("agent_line")
        )
        return Markup('<a href="{}">{}</a>').format(target, cut(value))
    if _TIME.fullmatch(value):
        return Markup('<time datetime="{}">{}</time>').format(value, words.minute(value))
    if column in _RAW:
        most = MAX_WORDS if column in _WORDS else MAX_JSON if column in _JSON else MAX_TEXT
        return raw(value, most)
    return Markup(escape(cut(value, MAX_TEXT)))


def state(name: str) -> Markup:
    """Return a state with its sign, so that colour never stands alone."""
    return Markup('<span class="k k-{0}"><span aria-hidden="true">{1}</span> {0}</span>').format(
        name, words.SIGNS[name]
    )


def coded(text: str) -> Markup:
    """Return a text of this program with what is in backticks as code."""
    parts = enumerate(text.split("`"))
    return Markup("").join(
        Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in parts
    )


def raw(text: str, most: int = MAX_WORDS) -> Markup:
    """Return the beginning of a text of a document, with hidden characters as escapes."""
    return Markup('<span class="raw">{}</span>').format(cut(text, most))


def cut(text: str, most: int = MAX_WORDS) -> str:
    """Return the beginning of a text on each line of it, with hidden characters as escapes."""
    shown = "\n".join(map(visible, text[:most].split("\n")))
    return shown if len(text) <= most else f"{shown}… ({len(text):,} characters)"
