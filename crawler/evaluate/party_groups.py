"""Groups of parties: which sites belong together, by what their sources say.

A site can write any name and copy any identifier. So sites are joined only by what no site can
write alone: statements of both sites, the same authority or list for both, or an equal name or
identifier of two sites that refer to each other. What is only equal is a `low` group: it is kept
apart from the others, and changes none of them. A domain joins nothing.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: Raised when the same namings give other groups.
VERSION = 2

HIGH, MEDIUM = "high", "medium"
_RANK = {HIGH: 0, MEDIUM: 1}


class NamedParty(NamedTuple):
    """A party that a source names for a site.

    `name` is the name as it is compared (`organisations.comparable`), `uid` the identifier that
    the source gives; one of them may be empty. `identifiers` are those of registers. `marks` are
    texts that make a second link where sites with an equal name share one, such as a mailbox.
    `vouched` are marks that others give, such as an authority or the publisher of a list.
    `refers_to` are the other sites that the site refers to, for this party or as a whole.
    `links_by_uid` is false for an identifier that is only a domain or a place to ask at.
    """

    site: str
    name: str
    uid: str = ""
    identifiers: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    vouched: tuple[str, ...] = ()
    refers_to: frozenset[str] = frozenset()
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


class LowMember(NamedTuple):
    """A party of a site in a low group: of those with one name, or with one identifier.

    `group` is its own group, `link` what is equal and not confirmed.
    """

    low_group: str
    site: str
    party: str
    group: str
    link: str


class Grouping(NamedTuple):
    """The members of all groups, and those of the low groups; both sorted."""

    members: list[Member]
    low_members: list[LowMember]


class _Link(NamedTuple):
    """A reason that joins parties."""

    confidence: str
    why: str


class _Equal(NamedTuple):
    """Something that parties have in common: it joins them with some confidence if it is confirmed.

    `makes_low_group` is false where a part of it, such as the name, makes one.
    """

    confidence: str
    why: str
    makes_low_group: bool = True


_Key = tuple[str, str]
_Keys = dict[_Key, None]


def groups_of(namings: Iterable[NamedParty], confirmed: Iterable[tuple[_Key, _Key]]) -> Grouping:
    """Return the groups of parties.

    `confirmed` are pairs of parties that two sites name in agreeing statements about each other.
    """
    groups = _Groups()
    by_uid: dict[_Key, _Key] = {}
    equal: dict[_Equal, _Keys] = {}
    vouched: dict[_Link, _Keys] = {}
    second: dict[tuple[str, str], _Keys] = {}
    refers_to: dict[_Key, frozenset[str]] = {}
    for naming in namings:
        key = naming.key
        groups.add(key)
        if naming.uid:
            # On one site, an identifier stands for one party, however it is named.
            groups.join(by_uid.setdefault((naming.site, naming.uid), key), key)
        for one in _given_by(naming):
            equal.setdefault(one, {})[key] = None
            for mark in naming.vouched:
                joined = _Link(one.confidence, f"{one.why}, {mark}")
                vouched.setdefault(joined, {})[key] = None
        if naming.name:
            for mark in _second_links(naming):
                second.setdefault((naming.name, mark), {})[key] = None
        if naming.refers_to:
            refers_to[key] = refers_to.get(key, frozenset()) | naming.refers_to
    _join_vouched(groups, vouched)
    _join_reciprocal(groups, equal, refers_to)
    for pair in confirmed:
        groups.link(_Link(HIGH, "statements of both sites"), pair)
    members, group_by_key = _members(groups)
    return Grouping(members, sorted(_low_members(equal, second, group_by_key)))


def _join_vouched(groups: "_Groups", vouched: dict[_Link, _Keys]) -> None:
    """Join the parties of several sites for which others vouch by the same mark."""
    for link, keys in vouched.items():
        if len(keys) > 1 and _sites(keys) > 1:
            groups.link(link, keys)


def _join_reciprocal(
    groups: "_Groups", equal: dict[_Equal, _Keys], refers_to: dict[_Key, frozenset[str]]
) -> None:
    """Join parties with something in common whose sites refer to each other."""
    for one, keys in equal.items():
        if len(keys) < 2 or not refers_to:
            continue
        link = _Link(one.confidence, f"{one.why}, both sites refer to each other")
        for pair in _reciprocal(keys, refers_to):
            groups.link(link, pair)


def _given_by(naming: NamedParty) -> Iterator[_Equal]:
    """Yield what joins a party to others that have the same, if it is confirmed."""
    for identifier in naming.identifiers:
        yield _Equal(HIGH, f"identifier {identifier}")
    if naming.uid and naming.links_by_uid and naming.name:
        # An identifier by URL is often a default of a template, so that the name must agree.
        yield _Equal(HIGH, f"identifier {naming.uid}, {naming.name}", makes_low_group=False)
    elif naming.uid and naming.links_by_uid:
        yield _Equal(HIGH, f"identifier {naming.uid}")
    if naming.name:
        yield _Equal(MEDIUM, f"name {naming.name}")


def _second_links(naming: NamedParty) -> Iterator[str]:
    """Yield what else sites with an equal name may have in common."""
    yield from naming.marks
    if naming.uid and naming.links_by_uid:
        yield f"identifier {naming.uid}"


def _sites(keys: Iterable[_Key]) -> int:
    return len({site for site, _ in keys})


def _reciprocal(keys: _Keys, refers_to: dict[_Key, frozenset[str]]) -> Iterator[tuple[_Key, _Key]]:
    """Yield the pairs of parties whose sites refer to each other."""
    if not any(key in refers_to for key in keys):
        return
    by_site: dict[str, list[_Key]] = defaultdict(list)
    for key in keys:
        by_site[key[0]].append(key)
    for key in keys:
        for site in sorted(refers_to.get(key, ())):
            for other in by_site.get(site, ()):
                if key[0] < site and key[0] in refers_to.get(other, ()):
                    yield key, other


def _members(groups: "_Groups") -> tuple[list[Member], dict[_Key, str]]:
    """Return all members, sorted, and the group of each."""
    by_root: dict[_Key, list[_Key]] = {}
    for key in groups.all_keys():
        by_root.setdefault(groups.root(key), []).append(key)
    members, group_by_key = [], {}
    for keys in by_root.values():
        # The first member names the group, so that groups keep their names as others come and go.
        group = _digest("\n".join(min(keys)))
        for key in keys:
            group_by_key[key] = group
            link = groups.best.get(key)
            members.append(Member(*key, group, link and link.confidence, link and link.why))
    return sorted(members), group_by_key


def _low_members(
    equal: dict[_Equal, _Keys],
    second: dict[tuple[str, str], _Keys],
    group_by_key: dict[_Key, str],
) -> Iterator[LowMember]:
    """Yield the members of low groups: one group for each name and each identifier."""
    more: dict[tuple[str, _Key], str] = {}
    for (name, mark), keys in second.items():
        if _are_apart(keys, group_by_key):
            for key in keys:
                why = f"name {name}, {mark}"
                more[f"name {name}", key] = min(why, more.get((f"name {name}", key), why))
    for one, keys in equal.items():
        if one.makes_low_group and _are_apart(keys, group_by_key):
            low_group = _digest(f"low\n{one.why}")
            for key in keys:
                why = f"{more.get((one.why, key), one.why)}; no other side confirms it"
                yield LowMember(low_group, *key, group_by_key[key], why)


def _are_apart(keys: _Keys, group_by_key: dict[_Key, str]) -> bool:
    """Return whether parties of several sites are in several groups."""
    return len(keys) > 1 and _sites(keys) > 1 and len({group_by_key[key] for key in keys}) > 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:12]


class _Groups:
    """Disjoint sets of keys (union by path halving), and the best link of each key."""

    def __init__(self) -> None:
        self._parent: dict[_Key, _Key] = {}
        self.best: dict[_Key, _Link] = {}

    def add(self, key: _Key) -> None:
        """Add a key as a new set, unless it is known."""
        self._parent.setdefault(key, key)

    def join(self, one: _Key, other: _Key) -> None:
        """Make one set of the sets of two keys."""
        self.add(one)
        self.add(other)
        self._parent[self.root(other)] = self.root(one)

    def link(self, link: _Link, keys: Iterable[_Key]) -> None:
        """Make one set of the sets of some keys, and note what joins them."""
        first: _Key | None = None
        for key in keys:
            first = first or key
            self.join(first, key)
            known = self.best.get(key)
            if known is None or (_RANK[link.confidence], link.why) < (
                _RANK[known.confidence],
                known.why,
            ):
                self.best[key] = link

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
