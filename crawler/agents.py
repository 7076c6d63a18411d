"""Say who a product token stands for and what its operator says that it is for.

The catalogue is data (`agents.toml`), read and checked once at import. Tokens are compared
whole and without case (RFC 9309, 2.2.1); a likely meaning of an unknown token is offered by
`near`, which never makes one token stand for another.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any
from unicodedata import normalize

from crawler.vocab import AgentClass

#: A refusal addressed to one of these is a statement about training (see docs/agents.md).
TRAINING = frozenset({AgentClass.TRAIN, AgentClass.CONTROL, AgentClass.DATASET})

_REQUIRED = frozenset({"token", "operator", "class", "note", "source", "as_of"})
_OPTIONAL = frozenset({"successor"})
_UNNAMED = "not stated"
_PREFIX_FROM = 5
_TYPO_FROM = 6
_LONGEST = 64
_SPACES = re.compile(r"\s+")
_PRODUCT_ENDS = re.compile(r"\s*(?:/|\s\()")


class CatalogueError(ValueError):
    """The catalogue in the package is broken; says which entry and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One automated agent. `as_of` is the day on which the entry was recorded.

    `successor` is the token that does the same work now, empty where none is documented.
    """

    token: str
    operator: str
    agent_class: AgentClass
    note: str
    source: str
    as_of: str
    successor: str = ""


def catalogue(entries: Iterable[Mapping[str, Any]]) -> tuple[Agent, ...]:
    """The `[[agent]]` tables as agents, in their order; `CatalogueError` if one is unfit."""
    agents = tuple(_agent(n, entry) for n, entry in enumerate(entries, start=1))
    known: set[str] = set()
    for agent in agents:
        if agent.token.lower() in known:
            raise CatalogueError(f"{agent.token!r} is there twice (tokens have no case)")
        known.add(agent.token.lower())
    for agent in agents:
        if agent.successor and agent.successor.lower() not in known:
            raise CatalogueError(f"{agent.token!r} names the unknown successor {agent.successor!r}")
    return agents


def _agent(n: int, entry: Mapping[str, Any]) -> Agent:
    """One table as an agent."""
    _check(f"agent {n} ({entry.get('token', 'without a token')})", entry)
    return Agent(
        token=entry["token"],
        operator=entry["operator"],
        agent_class=AgentClass(entry["class"]),
        note=entry["note"],
        source=entry["source"],
        as_of=entry["as_of"].isoformat(),
        successor=entry.get("successor", ""),
    )


def _check(name: str, entry: Mapping[str, Any]) -> None:
    """Raise `CatalogueError` for the first thing wrong with a table."""
    if missing := sorted(_REQUIRED - entry.keys()):
        raise CatalogueError(f"{name} lacks {', '.join(missing)}")
    if unknown := sorted(entry.keys() - _REQUIRED - _OPTIONAL):
        raise CatalogueError(f"{name} has unknown fields: {', '.join(unknown)}")
    if entry["class"] not in list(AgentClass):
        raise CatalogueError(f"{name} has the unknown class {entry['class']!r}")
    if not isinstance(entry["as_of"], date):
        raise CatalogueError(f"{name}: as_of is not a date")
    for field in sorted(entry.keys() - {"class", "as_of"}):
        if not isinstance(entry[field], str) or entry[field] != _folded(entry[field]):
            raise CatalogueError(f"{name}: {field} is not plain text in one line")


def _folded(text: str) -> str:
    """The text without outer white space and with one space wherever there was more; not empty."""
    return _SPACES.sub(" ", text).strip() or "?"


@lru_cache(maxsize=16384)
def candidates(token: str) -> tuple[str, ...]:
    """The lower-case forms under which a token as written may be matched, likeliest first.

    The whole text, then the product name of `name/version` or of `name (comment)`
    (RFC 9110, 10.1.5). No form for an empty token; `*` stays `*` and comes from nothing else.
    """
    whole = _SPACES.sub(" ", token).strip().lower()
    product = _PRODUCT_ENDS.split(whole, maxsplit=1)[0]
    forms = (whole,) if product in {whole, "*"} else (whole, product)
    return tuple(form for form in forms if form)


def find(token: str) -> Agent | None:
    """The agent with this token, compared whole and without case."""
    return _BY_TOKEN.get(token.lower())


def near(token: str) -> Agent | None:
    """The agent that an unknown token was probably meant for, a hint for whoever wrote it.

    None for tokens that are known, general, or as likely to mean something else.
    """
    return _near(token) if len(token) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _near(token: str) -> Agent | None:
    """`near` for tokens of a length that somebody may have typed."""
    forms = candidates(token)
    letters = _letters(forms[-1]) if forms else ""
    if letters in _GENERAL or any(form in _BY_TOKEN for form in forms):
        return None
    return _BY_LETTERS.get(letters) or _by_prefix(letters) or _by_typo(letters)


def _letters(token: str) -> str:
    """Letters and digits only: hyphens, apostrophes, spaces and underscores come in all kinds."""
    return "".join(c for c in normalize("NFKC", token).lower() if c.isalnum())


def _by_prefix(letters: str) -> Agent | None:
    """The agent of the one operator whose tokens begin so: its bot, else the first listed."""
    if len(letters) < _PREFIX_FROM:
        return None
    if bot := _BY_LETTERS.get(f"{letters}bot"):
        return bot
    family = [a for known, a in _BY_LETTERS.items() if known.startswith(letters)]
    operators = {a.token if a.operator == _UNNAMED else a.operator for a in family}
    return family[0] if len(operators) == 1 else None


def _by_typo(letters: str) -> Agent | None:
    """The only agent that one slip of the finger leads to."""
    if len(letters) < _TYPO_FROM:
        return None
    near_by = {known for short in _shortened(letters) for known in _BY_SHORTENED.get(short, ())}
    found = [_BY_LETTERS[known] for known in near_by if _one_slip(letters, known)]
    return found[0] if len(found) == 1 else None


def _shortened(letters: str) -> set[str]:
    """The letters, and all that is left when one is taken out: one slip apart they share one."""
    return {letters, *(letters[:n] + letters[n + 1 :] for n in range(len(letters)))}


def _one_slip(a: str, b: str) -> bool:
    """Whether one insertion, deletion, replacement or swap of neighbours makes `a` into `b`."""
    if abs(len(a) - len(b)) > 1:
        return False
    pairs = zip(a, b, strict=False)
    at = next((n for n, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b)))
    x, y = a[at:], b[at:]
    swapped = len(x) > 1 and x[:2] == y[1::-1] and x[2:] == y[2:]
    return swapped or x[1:] == y[1:] or x[1:] == y or x == y[1:]


def _package_data() -> dict[str, Any]:
    """The parsed `agents.toml` of this package."""
    return tomllib.loads((files("crawler") / "agents.toml").read_text(encoding="utf-8"))


_DATA = _package_data()
VERSION: str = _DATA["version"].isoformat()
CATALOGUE: tuple[Agent, ...] = catalogue(_DATA["agent"])
_BY_TOKEN: dict[str, Agent] = {agent.token.lower(): agent for agent in CATALOGUE}
_BY_LETTERS: dict[str, Agent] = {}
for _known in CATALOGUE:
    _BY_LETTERS.setdefault(_letters(_known.token), _known)
_BY_SHORTENED: dict[str, list[str]] = {}
for _letters_known in _BY_LETTERS:
    for _short in _shortened(_letters_known):
        _BY_SHORTENED.setdefault(_short, []).append(_letters_known)
#: Programs that are known and are no AI agents mean themselves, as no letters at all mean nothing.
_GENERAL: frozenset[str] = frozenset({"", *map(_letters, _DATA["general"]["tokens"])})
