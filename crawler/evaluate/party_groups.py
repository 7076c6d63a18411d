"""Groups of parties: which sites belong together, by what their sources say.

A link is `high` for a shared identifier, or for statements of both sides; `medium` for an equal
name and a second link. An equal name alone joins nothing, and neither does a domain.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

HIGH, MEDIUM = "high", "medium"
_RANK = {HIGH: 0, MEDIUM: 1}


class NamedParty(NamedTuple):
    """A party that a source names for a site.

    `name` is the name as it is compared (`organisations.comparable`), `uid` the identifier that
    the source gives; one of them may be empty. `identifiers` are those of registers. `marks` are
    texts that make a second link where sites with an equal name share one, such as a mailbox.
    `links_by_uid` is false for an identifier that is only a domain or a place to ask at.
    """

    site: str
    name: str
    uid: str = ""
    identifiers: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    links_by_uid: bool = True

    @property
    def key(self) -> tuple[str, str]:
        """The site, and the name or else the identifier: what is one party there."""
        return self.site, self.name or self.uid


class Member(NamedTuple):
    """A party of a site in its group; `confidence` and `link` are None where nothing joins it."""

    site: str
    party: str
    group: str
    confidence: str | None
    link: str | None


class _Link(NamedTuple):
    confidence: str
    why: str


_Key = tuple[str, str]


def groups_of(
    namings: Iterable[NamedParty], confirmed: Iterable[tuple[_Key, _Key]]
) -> list[Member]:
    """Return the members of all groups, sorted.

    `confirmed` are pairs of parties that two sites name in agreeing statements about each other.
    """
    buckets: dict[_Link, dict[_Key, None]] = {}
    groups = _Groups()
    by_uid: dict[_Key, _Key] = {}
    for naming in namings:
        groups.add(naming.key)
        if naming.uid:
            # On one site, an identifier stands for one party, however it is named.
            groups.join(by_uid.setdefault((naming.site, naming.uid), naming.key), naming.key)
        for link in _links_of(naming):
            buckets.setdefault(link, {})[naming.key] = None
    best: dict[_Key, _Link] = {}
    for link, keys in buckets.items():
        if len({site for site, _ in keys}) > 1:
            _join(groups, best, link, list(keys))
    for one, other in confirmed:
        _join(groups, best, _Link(HIGH, "statements of both sites"), [one, other])
    return _members(groups, best)


def _links_of(naming: NamedParty) -> Iterable[_Link]:
    """Yield what may join a party to others: parties with an equal link belong together."""
    for identifier in naming.identifiers:
        yield _Link(HIGH, f"identifier {identifier}")
    if naming.uid and naming.links_by_uid:
        # An identifier by URL is often a default of a template, so that the name must agree.
        yield _Link(HIGH, f"identifier {naming.uid}" + (f", {naming.name}" if naming.name else ""))
    if naming.name:
        for mark in naming.marks:
            yield _Link(MEDIUM, f"name {naming.name}, {mark}")


def _join(groups: "_Groups", best: dict[_Key, _Link], link: _Link, keys: list[_Key]) -> None:
    for key in keys:
        groups.join(keys[0], key)
        known = best.get(key)
        if known is None or (_RANK[link.confidence], link.why) < (_RANK[known[0]], known.why):
            best[key] = link


def _members(groups: "_Groups", best: dict[_Key, _Link]) -> list[Member]:
    by_root: dict[_Key, list[_Key]] = {}
    for key in groups.all_keys():
        by_root.setdefault(groups.root(key), []).append(key)
    members = []
    for keys in by_root.values():
        # The first member names the group, so that groups keep their names as others come and go.
        text = "\n".join(min(keys))
        group = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]
        for key in keys:
            link = best.get(key)
            members.append(Member(*key, group, link and link.confidence, link and link.why))
    return sorted(members)


class _Groups:
    """Disjoint sets of keys (union by path halving)."""

    def __init__(self) -> None:
        self._parent: dict[_Key, _Key] = {}

    def add(self, key: _Key) -> None:
        """Add a key as a new set, unless it is known."""
        self._parent.setdefault(key, key)

    def join(self, one: _Key, other: _Key) -> None:
        """Make one set of the sets of two keys."""
        self.add(one)
        self.add(other)
        self._parent[self.root(other)] = self.root(one)

    def root(self, key: _Key) -> _Key:
        """Return the key that stands for the set of a key."""
        parent = self._parent
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def all_keys(self) -> Iterable[_Key]:
        """Return all keys."""
        return self._parent.keys()
