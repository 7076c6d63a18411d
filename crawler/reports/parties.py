"""Whom the documents of an origin name, in words: their own claim, and never what is personal."""

from collections.abc import Iterable, Iterator

from crawler.evaluate.records import ResourceEvidence
from crawler.protocols.parsing import parties

_SHOWN = 20
_PUBLIC = ("role", "source", "name", "uid", "licence_page", "contact_page", "mailbox", "duties")


def parties_of(resources: Iterable[ResourceEvidence]) -> list[dict[str, str]]:
    """The parties as data, each once, with absolute pages and the URL of the document."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for evidence in resources:
        for _protocol, _key, reading in evidence.readings:
            for party in reading.parties:
                facts = {name: getattr(party, name) for name in _PUBLIC}
                for name in ("licence_page", "contact_page"):
                    facts[name] = parties.absolute(evidence.url, facts[name])
                facts["url"] = evidence.url
                found.setdefault(tuple(facts.values()), facts)
    return [facts for facts in found.values() if _who(facts)]


def party_lines(resources: Iterable[ResourceEvidence]) -> Iterator[str]:
    """A line for each party, under one that says what a naming is worth; none without any."""
    found = parties_of(resources)
    if not found:
        return
    yield ""
    yield "Named by these documents, which is their word; who holds the rights was not checked:"
    for facts in found[:_SHOWN]:
        yield f"  {facts['role']:<14} {_who(facts)}, by {facts['source']}  ({facts['url']})"
    if len(found) > _SHOWN:
        yield f"  {len(found) - _SHOWN} more, see --json"


def _who(facts: dict[str, str]) -> str:
    known = ("name", "uid", "licence_page", "contact_page", "mailbox")
    return next((facts[name] for name in known if facts[name]), "")
