"""Rule sets: named, versioned data that say which statements count and how (docs/rules.md)."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from crawler.errors import ExplainedError
from crawler.vocab import State

#: The rule sets in the package; `signals` is judged and shown unless another one is named.
NAMES = ("signals", "inclusive", "strict")
DEFAULT = "signals"


class UnknownRuleSetError(ExplainedError):
    """There is no rule set of that name; the message lists those there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """What counts. `tiers` limits explicitness; the others say how weaker signals are read.

    `refused_counts_as` is a state (`refused` or `reserved`), `reserved_states` are the states
    for which the boolean flag of a row is true.
    """

    id: str
    version: int
    title: str
    description: str
    tiers: frozenset[int]
    refused_counts_as: State
    textual_counts_as: str
    reserved_states: frozenset[State]
    text: str

    @property
    def label(self) -> str:
        """The name that findings and exports carry, `signals/1`."""
        return f"{self.id}/{self.version}"


@cache
def load(name: str) -> RuleSet:
    """A rule set of the package by name; raises `UnknownRuleSetError`."""
    if name not in NAMES:
        raise UnknownRuleSetError(f"no rule set {name!r}; there are {', '.join(NAMES)}")
    text = (files("crawler") / "rules" / f"{name}.toml").read_text("utf-8")
    data = tomllib.loads(text)
    return RuleSet(
        id=data["id"],
        version=data["version"],
        title=data["title"],
        description=data["description"],
        tiers=frozenset(data["tiers"]),
        refused_counts_as=State(data["refused_counts_as"]),
        textual_counts_as=data["textual_counts_as"],
        reserved_states=frozenset(State(s) for s in data["reserved_states"]),
        text=text,
    )
