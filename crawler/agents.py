"""Look up the agent that a product token names, and what its operator says it is for.

The catalogue is data (`agents.toml`). It is read and checked once, at import. Tokens are compared
whole and without case (RFC 9309, 2.2.1).

Rules for editors: `suggest` gives a hint for a message and never decides anything. A token that
is only similar to a known one must not stand for it: `Applebot` and `Applebot-Extended` differ in
what they may do.
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

#: Classes of agents. To refuse one of them is a statement about training
#: (docs/reference/agents.md).
TRAINING = frozenset({AgentClass.TRAIN, AgentClass.CONTROL, AgentClass.DATASET})

_REQUIRED = frozenset({"token", "operator", "class", "note", "source", "as_of"})
_OPTIONAL = frozenset({"successor"})
_NO_OPERATOR = "not stated"
# Shorter texts are too likely to mean something else.
_MIN_PREFIX_LENGTH = 5
_MIN_TYPO_LENGTH = 6
_MAX_TOKEN_LENGTH = 64
_WHITE_SPACE = re.compile(r"\s+")
_PRODUCT_END = re.compile(r"\s*(?:/|\s\()")


class CatalogueError(ValueError):
    """The catalogue is broken. The message says which entry and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One automated agent, with its product token and its operator.

    `note` says in a sentence what the operator says it is for, on the page `source`. `as_of` is
    the day (ISO 8601) on which that was read. `successor` is the token that does the same work
    now, empty if none is documented.
    """

    token: str
    operator: str
    agent_class: AgentClass
    note: str
    source: str
    as_of: str
    successor: str = ""


def parse_catalogue(entries: Iterable[Mapping[str, Any]]) -> tuple[Agent, ...]:
    """Return the agents of `[[agent]]` tables, in order; raise `CatalogueError` for a bad one."""
    agents = tuple(_parse_entry(n, entry) for n, entry in enumerate(entries, start=1))
    known: set[str] = set()
    for agent in agents:
        if agent.token.lower() in known:
            raise CatalogueError(f"{agent.token!r} is there twice (tokens have no case)")
        known.add(agent.token.lower())
    for agent in agents:
        if agent.successor and agent.successor.lower() not in known:
            raise CatalogueError(f"{agent.token!r} names the unknown successor {agent.successor!r}")
    return agents


def _parse_entry(n: int, entry: Mapping[str, Any]) -> Agent:
    """Return the agent of the table with the number `n`, which messages name."""
    _check_entry(f"agent {n} ({entry.get('token', 'without a token')})", entry)
    return Agent(
        token=entry["token"],
        operator=entry["operator"],
        agent_class=AgentClass(entry["class"]),
        note=entry["note"],
        source=entry["source"],
        as_of=entry["as_of"].isoformat(),
        successor=entry.get("successor", ""),
    )


def _check_entry(name: str, entry: Mapping[str, Any]) -> None:
    """Raise `CatalogueError` for the first fault of a table."""
    if missing := sorted(_REQUIRED - entry.keys()):
        raise CatalogueError(f"{name} lacks {', '.join(missing)}")
    if unknown := sorted(entry.keys() - _REQUIRED - _OPTIONAL):
        raise CatalogueError(f"{name} has unknown fields: {', '.join(unknown)}")
    if entry["class"] not in list(AgentClass):
        raise CatalogueError(f"{name} has the unknown class {entry['class']!r}")
    if not isinstance(entry["as_of"], date):
        raise CatalogueError(f"{name}: as_of is not a date")
    for field in sorted(entry.keys() - {"class", "as_of"}):
        if not isinstance(entry[field], str) or entry[field] != _single_spaced(entry[field]):
            raise CatalogueError(f"{name}: {field} is not plain text in one line")


def _single_spaced(text: str) -> str:
    """Return a text with single spaces and none around it; `?` for an empty text."""
    return _WHITE_SPACE.sub(" ", text).strip() or "?"


@lru_cache(maxsize=16384)
def token_forms(token: str) -> tuple[str, ...]:
    """Return the lower-case forms under which a token may be looked up, the likeliest first.

    They are the whole text, and the product name of `name/version` or of `name (comment)`
    (RFC 9110, 10.1.5). An empty token has no form. `*` is a form only of itself: a product name
    `*`, as in `*/`, does not mean everybody.
    """
    whole = _WHITE_SPACE.sub(" ", token).strip().lower()
    product = _PRODUCT_END.split(whole, maxsplit=1)[0]
    forms = (whole,) if product in {whole, "*"} else (whole, product)
    return tuple(form for form in forms if form)


def find(token: str) -> Agent | None:
    """Return the agent with this token, compared whole and without case, or None."""
    return _BY_TOKEN.get(token.lower())


def suggest(token: str) -> Agent | None:
    """Return the agent that an unknown token probably means, as a hint for its author.

    Return None for a token that is known or general, or that may as well mean another agent.
    """
    return _suggest(token) if len(token) <= _MAX_TOKEN_LENGTH else None


def meant_by(token: str) -> str | None:
    """Return the token of the catalogue that one probably means which is none of it."""
    # The version of `name/version` is no part of a token.
    known = filter(None, (suggest(token), *map(find, token_forms(token))))
    return next((agent.token for agent in known), None)


@lru_cache(maxsize=4096)
def _suggest(token: str) -> Agent | None:
    """Cache `suggest`, for tokens short enough to be typed."""
    forms = token_forms(token)
    letters = _letters(forms[-1]) if forms else ""
    if letters in _NO_AGENTS or any(form in _BY_TOKEN for form in forms):
        return None
    return _BY_LETTERS.get(letters) or _by_prefix(letters) or _by_typo(letters)


def _letters(token: str) -> str:
    """Return letters and digits in lower case: hyphens, quotes and spaces come in many kinds."""
    return "".join(c for c in normalize("NFKC", token).lower() if c.isalnum())


def _by_prefix(letters: str) -> Agent | None:
    """Return the agent of the only operator whose tokens begin so: its bot, else the first."""
    if len(letters) < _MIN_PREFIX_LENGTH:
        return None
    if bot := _BY_LETTERS.get(f"{letters}bot"):
        return bot
    family = [a for known, a in _BY_LETTERS.items() if known.startswith(letters)]
    operators = {a.token if a.operator == _NO_OPERATOR else a.operator for a in family}
    return family[0] if len(operators) == 1 else None


# Why not `difflib.get_close_matches`: its ratio is no edit distance (two insertions score higher
# than one replacement), so no cutoff means "one typing error". On the 2,464 unknown tokens of the
# robots.txt files of the corpus, the best cutoff still changed an answer (`terrecotta` became
# TerraCotta) and others changed 2 to 49; a look-up took 200 to 375 us instead of 9. That counts:
# robots.txt files are not trusted and may hold thousands of tokens. rapidfuzz has the distance,
# but is one more dependency.
def _by_typo(letters: str) -> Agent | None:
    """Return the agent that is one typing error away, None if there are several."""
    if len(letters) < _MIN_TYPO_LENGTH:
        return None
    similar = {known for key in _deletions(letters) for known in _BY_DELETION.get(key, ())}
    agents = [_BY_LETTERS[known] for known in similar if _is_one_typo(letters, known)]
    return agents[0] if len(agents) == 1 else None


def _deletions(letters: str) -> set[str]:
    """Return a word, and all words that one deletion makes of it.

    Two words that are one typing error apart have one of these in common, so that an index of
    them finds all similar words with a few look-ups (symmetric deletion).
    """
    return {letters, *(letters[:n] + letters[n + 1 :] for n in range(len(letters)))}


def _is_one_typo(a: str, b: str) -> bool:
    """Return whether an insertion, deletion, replacement or swap of neighbours makes `a` of `b`.

    The words have a deletion in common, so that their lengths differ by one at most.
    """
    pairs = zip(a, b, strict=False)
    first = next((n for n, (x, y) in enumerate(pairs) if x != y), min(len(a), len(b)))
    x, y = a[first:], b[first:]
    is_swap = len(x) > 1 and x[:2] == y[1::-1] and x[2:] == y[2:]
    return is_swap or x[1:] == y[1:] or x[1:] == y or x == y[1:]


def _package_data() -> dict[str, Any]:
    """Return the parsed `agents.toml` of this package."""
    return tomllib.loads((files("crawler") / "agents.toml").read_text(encoding="utf-8"))


_DATA = _package_data()
VERSION: str = _DATA["version"].isoformat()
CATALOGUE: tuple[Agent, ...] = parse_catalogue(_DATA["agent"])
_BY_TOKEN: dict[str, Agent] = {agent.token.lower(): agent for agent in CATALOGUE}
_BY_LETTERS: dict[str, Agent] = {}
for _agent in CATALOGUE:
    _BY_LETTERS.setdefault(_letters(_agent.token), _agent)
_BY_DELETION: dict[str, list[str]] = {}
for _known_letters in _BY_LETTERS:
    for _deletion in _deletions(_known_letters):
        _BY_DELETION.setdefault(_deletion, []).append(_known_letters)
# Known programs that are no AI agents, such as Scrapy: they mean themselves. So does a token
# without any letter.
_NO_AGENTS: frozenset[str] = frozenset({"", *map(_letters, _DATA["general"]["tokens"])})
