"""The cut of an audit into parts: plan.json, and the part of each site, which never changes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crawler.store.failures import StoreError

PLAN_FORMAT = "tdm-audit plan/1"


class PartGroup(NamedTuple):
    """Sites with a part for themselves: the name of the group, the number of the part."""

    name: str
    part: int
    sites: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlan:
    """The cut of an audit: `by_hash` parts by a hash of the site, and a part for each group.

    `facts` are what plan.json says besides: of which datasets, by which version it was made.
    """

    by_hash: int
    groups: tuple[PartGroup, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> int:
        """Return the number of parts."""
        return self.by_hash + len(self.groups)

    def part_of(self, site: str) -> int:
        """Return the part of a site, of which it is a function: a site is never in two parts."""
        for group in self.groups:
            if site in group.sites:
                return group.part
        return hashed_part(site, self.by_hash)

    def as_json(self) -> bytes:
        """Return the content of plan.json."""
        groups = [
            {"name": group.name, "part": group.part, "sites": sorted(group.sites)}
            for group in self.groups
        ]
        cut = {"format": PLAN_FORMAT, "parts": self.parts, "by_hash": self.by_hash}
        cut["hash"] = "blake2b, 8 octets, big-endian, of the site in UTF-8; modulo by_hash"
        return json.dumps({**cut, "groups": groups, **self.facts}, indent=1).encode() + b"\n"


def hashed_part(site: str, parts: int) -> int:
    """Return the part of a site that is in no group."""
    digest = hashlib.blake2b(site.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % parts


def plan_from_json(content: bytes, shown: str) -> PartPlan:
    """Return the plan that plan.json holds. Raise `StoreError` if it is none."""
    try:
        facts = json.loads(content)
        if facts["format"] != PLAN_FORMAT:
            raise StoreError(f"{shown} is of a newer tdm-audit ({facts['format']}); upgrade to use")
        groups = tuple(
            PartGroup(group["name"], group["part"], frozenset(group["sites"]))
            for group in facts["groups"]
        )
        own = {"format", "parts", "by_hash", "hash", "groups"}
        if facts["parts"] != facts["by_hash"] + len(groups) or facts["by_hash"] < 1:
            raise ValueError(facts["parts"])
        return PartPlan(
            by_hash=facts["by_hash"],
            groups=groups,
            facts={name: value for name, value in facts.items() if name not in own},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{shown} is no plan of an audit in parts, or a damaged one; move it away, and plan "
            "the same dataset into the folder again"
        ) from error
