"""Changes as a table, JSON, CSV or an Atom feed."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TextIO
from xml.etree import ElementTree

from crawler import __version__
from crawler.plurals import counted
from crawler.reports import tables
from crawler.reports.export import write_csv
from crawler.reports.visible import visible
from crawler.store.changes import (
    Change,
    ChangeFilter,
    change_counts,
    changes,
    has_other_looks,
    terms,
)
from crawler.store.queryable import Queryable

_ATOM = "http://www.w3.org/2005/Atom"
# RFC 4151; `.invalid` is nobody's domain (RFC 6761, 6.4).
_TAG = "tag:tdm-audit.invalid,2026:"
_NEVER = "1970-01-01T00:00:00Z"
_TERMS_SHOWN = 4
# Changes that are shown at the end of a crawl.
_HEAVIEST = 10


def show(title: str, found: Sequence[Change]) -> None:
    """Print a table, in the order given."""
    head = "origin rows weight purpose kind was became seen since what".split()
    cells = [
        (
            *(c.origin, c.rows, "" if c.weight is None else f"{c.weight:,g}"),
            *(c.purpose, c.kind, c.was, c.became, c.last_seen[:16], c.first_seen[:16], what(c)),
        )
        for c in found
    ]
    tables.show(title, head, cells)


def what(change: Change) -> str:
    """Return what is said since and what no longer, in a few words."""
    return "; ".join([*_said("+", change.added), *_said("-", change.removed)])


def _said(sign: str, column: str) -> Iterable[str]:
    found = terms(column)
    for protocol, stance, agent, path, media, policy, use in found[:_TERMS_SHOWN]:
        scope = [agent if agent != "*" else "", path if path != "/" else "", media, use, policy]
        yield " ".join(filter(None, [f"{sign}{protocol or 'all'}", stance, *scope]))
    if len(found) > _TERMS_SHOWN:
        yield f"{sign}{len(found) - _TERMS_SHOWN} more"


def counts_line(counts: dict[str, int]) -> str:
    """Return the numbers of origins by kind in a few words."""
    return ", ".join(f"{number:,} {kind}" for kind, number in counts.items() if number) or "none"


class RunChanges(NamedTuple):
    """The changes that a run saw first: the heaviest, and the number of origins by kind."""

    heaviest: list[Change]
    counts: dict[str, int]

    def show(self) -> None:
        """Print the changes of a run."""
        title = f"Changes since the last run: {counts_line(self.counts)}"
        if self.heaviest:
            show(title, self.heaviest)
        else:
            tables.show_line(title)

    def as_json(self) -> dict[str, object]:
        """Return the changes of a run as data for JSON."""
        return {"origins": self.counts, "heaviest": [as_json(change) for change in self.heaviest]}


def run_changes(db: Queryable, run: int) -> RunChanges | None:
    """Return what a run saw first, each origin once; None where no other run saw anything."""
    if not has_other_looks(db, run):
        return None
    wanted = ChangeFilter(since=run, until=run + 1)
    by_origin: dict[str, Change] = {}
    for change in changes(db, wanted):
        if len(by_origin) == _HEAVIEST and change.origin not in by_origin:
            break
        by_origin.setdefault(change.origin, change)
    return RunChanges(list(by_origin.values()), change_counts(db, wanted))


def as_json(change: Change) -> dict[str, object]:
    """Return a change as data for JSON."""
    return change._asdict() | {"added": terms(change.added), "removed": terms(change.removed)}


def write_table(found: Iterable[Change], out: TextIO) -> None:
    """Write changes as CSV, without text that a spreadsheet would calculate."""
    write_csv(iter(found), list(Change._fields), out, raw=False)


def atom(found: Iterable[Change], title: str) -> bytes:
    """Return an Atom feed (RFC 4287), the latest change first.

    Ids of entries depend only on what changed and on the observation that showed it, so that
    they stay when findings are rebuilt.
    """
    ElementTree.register_namespace("", _ATOM)
    latest = sorted(found, key=lambda change: change.first_seen, reverse=True)
    feed = ElementTree.Element(f"{{{_ATOM}}}feed")
    _add(feed, "title", title)
    _add(feed, "id", f"{_TAG}changes/{_digest(title)}")
    _add(feed, "updated", latest[0].first_seen if latest else _NEVER)
    _add(_add(feed, "author"), "name", "tdm-audit")
    _add(feed, "generator", "tdm-audit").set("version", __version__)
    for change in latest:
        _add_entry(feed, change)
    text: bytes = ElementTree.tostring(feed, "utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + text + b"\n"


def _add_entry(feed: ElementTree.Element, change: Change) -> None:
    entry = _add(feed, "entry")
    _add(entry, "title", f"{change.origin}: {change.purpose} {change.was} to {change.became}")
    key = (change.origin, change.purpose, change.rules, change.observation)
    _add(entry, "id", f"{_TAG}change/{_digest(*key)}")
    _add(entry, "updated", change.first_seen)
    link = _add(entry, "link")
    link.set("rel", "alternate")
    link.set("href", change.origin)
    _add(entry, "category").set("term", change.kind)
    _add(
        entry,
        "summary",
        f"{change.kind} under {change.rules}: {change.was} until {change.last_seen}, "
        f"{change.became} since {change.first_seen}; {counted(change.rows, 'row')}. {what(change)}",
    )


def _add(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}")
    # XML 1.0, 2.2 has no control characters.
    element.text = None if text is None else visible(text)
    return element


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]
