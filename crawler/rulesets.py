"""Rule sets: versioned TOML files that say which statements count (docs/explanation/rules.md).

Rules for editors: exports carry the label of a rule set, so a published rule set is never
changed. A change of what counts needs a greater `version`.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from crawler.errors import UserError, WrongUsageError
from crawler.vocab import State

#: The rule sets in the package. `DEFAULT` is used unless a user names another one.
NAMES = ("signals", "inclusive", "strict")
DEFAULT = "signals"
SUFFIX = ".toml"

_ID = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_MAX_OCTETS = 64 * 1024
_MAX_VERSION = 999_999
_STATES = [state.value for state in State if state is not State.UNKNOWN]


class RuleSetError(UserError):
    """A rule set cannot be used. The message names file and key, and the values allowed."""


class UnknownRuleSetError(RuleSetError, WrongUsageError):
    """There is no rule set of that name. The message lists the names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """A rule set.

    `tiers` are the tiers of statements that count, from 1 (most explicit) to 4.
    `refused_counts_as` is the state that a refusal of access makes (`refused` or `reserved`),
    `textual_counts_as` says what prose counts as (`nothing` or `reserved`), and
    `lenient_counts_as` the same of reservations that only one reading of a document yields.
    `permission_entails` says whether permitting a purpose permits those within it. Freedom
    (`silent`, `permitted`) rests on evidence that could not be renewed for at most
    `freedom_expires_after` days. A row of a dataset is flagged as reserved in one of
    `reserved_states`. `text` is the whole file.
    """

    id: str
    version: int
    title: str
    description: str
    tiers: frozenset[int]
    refused_counts_as: State
    textual_counts_as: str
    lenient_counts_as: str
    permission_entails: bool
    freedom_expires_after: int
    reserved_states: frozenset[State]
    text: str

    @property
    def label(self) -> str:
        """The name in findings and exports, such as `signals/2`."""
        return f"{self.id}/{self.version}"

    @property
    def is_packaged(self) -> bool:
        """True for a rule set of the package, False for a user's."""
        return self.id in NAMES


def load(name_or_path: str) -> RuleSet:
    """Return a rule set of the package by name, or a user's by the path of a `.toml` file.

    Raises `UnknownRuleSetError` for other names, and `RuleSetError` for a file that cannot be
    read or is no rule set.
    """
    if name_or_path in NAMES:
        return _packaged(name_or_path)
    if not is_file(name_or_path):
        raise unknown(name_or_path)
    rules = parse(_read(Path(name_or_path)), name_or_path)
    if rules.id.lower() in NAMES:
        raise RuleSetError(
            f"{name_or_path}: id is {rules.id!r}, which is the name of a rule set of the package; "
            "choose another"
        )
    return rules


def is_file(name_or_path: str) -> bool:
    """Return whether a text is a path, not a name."""
    return name_or_path.lower().endswith(SUFFIX)


def unknown(name: str, others: tuple[str, ...] = ()) -> UnknownRuleSetError:
    """Return the error for a name that is neither in the package nor in `others`."""
    known = (*NAMES, *others)
    close = get_close_matches(name.lower(), known, n=1)
    hint = f"did you mean {close[0]}? There" if close else "there"
    return UnknownRuleSetError(
        f"no rule set {name!r}; {hint} are {', '.join(known)}, or name a file that ends in {SUFFIX}"
    )


@cache
def _packaged(name: str) -> RuleSet:
    text = (files("crawler") / "rules" / f"{name}{SUFFIX}").read_text("utf-8")
    return parse(text, f"{name}{SUFFIX}")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_OCTETS + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise RuleSetError(f"cannot read the rule set {path}: {why}") from error
    if len(content) > _MAX_OCTETS:
        raise RuleSetError(f"{path}: a rule set has at most {_MAX_OCTETS // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RuleSetError(f"{path}: not UTF-8 at octet {error.start}") from error


def parse(text: str, source: str) -> RuleSet:
    """Return the rule set in a TOML text. Raises `RuleSetError`, whose message names `source`."""
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RuleSetError(f"{source}: not TOML: {error}") from error
    data = _DEFAULTS | data
    _check(data, source)
    return RuleSet(
        id=data["id"],
        version=data["version"],
        title=data["title"],
        description=data["description"],
        tiers=frozenset(data["tiers"]),
        refused_counts_as=State(data["refused_counts_as"]),
        textual_counts_as=data["textual_counts_as"],
        lenient_counts_as=data["lenient_counts_as"],
        permission_entails=data["permission_entails"],
        freedom_expires_after=data["freedom_expires_after"],
        reserved_states=frozenset(State(s) for s in data["reserved_states"]),
        text=text,
    )


def _check(data: dict[str, Any], source: str) -> None:
    """Raise `RuleSetError` for the first fault, in the order of docs/reference/rule-files.md."""
    if surplus := sorted(data.keys() - _FIELDS.keys()):
        raise RuleSetError(
            f"{source}: unknown key {surplus[0]!r}; a rule set has {', '.join(_FIELDS)}"
        )
    for key, (is_valid, allowed) in _FIELDS.items():
        if key not in data:
            raise RuleSetError(f"{source}: {key} is missing; it must be {allowed}")
        if not is_valid(data[key]):
            raise RuleSetError(f"{source}: {key} is {_shortened(data[key])}; it must be {allowed}")


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _is_prose(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: object, maximum: int) -> bool:
    # `type`, not `isinstance`: in Python True is an int.
    return type(value) is int and 1 <= value <= maximum


def _is_list_of(value: object, is_valid: Callable[[object], bool]) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_valid, value))


def _is_date(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


# Keys that came after files were written by users: a file without them means what it meant,
# but for the age of freedom (RFC 9309, 2.3.1.4: "a reasonably long period of time (e.g., 30
# days)").
_DEFAULTS: dict[str, Any] = {
    "lenient_counts_as": "nothing",
    "permission_entails": False,
    "freedom_expires_after": 30,
}
#: The keys of a file in order: a check, and the values allowed in words.
_FIELDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "id": (
        lambda v: isinstance(v, str) and _ID.fullmatch(v) is not None,
        "1 to 40 letters, digits, dots, hyphens or underscores",
    ),
    "version": (
        lambda v: _is_number(v, _MAX_VERSION),
        f"a whole number from 1 to {_MAX_VERSION}",
    ),
    "title": (_is_prose, "a text"),
    "description": (_is_prose, "a text"),
    "tiers": (
        lambda v: _is_list_of(v, lambda tier: _is_number(tier, 4)),
        "a list of whole numbers from 1 to 4",
    ),
    "refused_counts_as": (lambda v: v in ("refused", "reserved"), '"refused" or "reserved"'),
    "textual_counts_as": (lambda v: v in ("nothing", "reserved"), '"nothing" or "reserved"'),
    "lenient_counts_as": (lambda v: v in ("nothing", "reserved"), '"nothing" or "reserved"'),
    "permission_entails": (lambda v: type(v) is bool, "true or false"),
    "freedom_expires_after": (
        lambda v: _is_number(v, 3650),
        "a whole number of days from 1 to 3650",
    ),
    "reserved_states": (
        lambda v: _is_list_of(v, lambda state: state in _STATES),
        f"a list of {', '.join(_STATES)}",
    ),
    "applies_from": (_is_date, "a date, 2026-11-22 without quotes"),
}
