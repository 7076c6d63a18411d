"""Parties that the documents of an origin name, as text and as data, without personal data."""

from collections.abc import Iterable, Iterator

from crawler.evaluate.records import ResourceEvidence
from crawler.protocols.parsing import parties

_SHOWN = 20
_PUBLIC = ("role", "source", "name", "uid", "licence_page", "contact_page", "mailbox", "duties")


def parties_of(resources: Iterable[ResourceEvidence]) -> list[dict[str, str]]:
    """Return the parties as data, each once, with absolute pages and the URL of the document."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for evidence in resources:
        for _protocol, _key, reading in evidence.readings:
            for party in reading.parties:
                entry = {name: getattr(party, name) for name in _PUBLIC}
                for name in ("licence_page", "contact_page"):
                    entry[name] = parties.absolute_url(evidence.url, entry[name])
                entry["url"] = evidence.url
                found.setdefault(tuple(entry.values()), entry)
    return [entry for entry in found.values() if _label(entry)]


def party_lines(resources: Iterable[ResourceEvidence]) -> Iterator[str]:
    """Yield a line for each party after a headline; nothing if there is none."""
    found = parties_of(resources)
    if not found:
        return
    yield ""
    yield "Named by these documents, which is their word; who holds the rights was not checked:"
    for entry in found[:_SHOWN]:
        yield f"  {entry['role']:<14} {_label(entry)}, by {entry['source']}  ({entry['url']})"
    if len(found) > _SHOWN:
        yield f"  {len(found) - _SHOWN} more, see --json"


def _label(entry: dict[str, str]) -> str:
    known = ("name", "uid", "licence_page", "contact_page", "mailbox")
    return next((entry[name] for name in known if entry[name]), "")
