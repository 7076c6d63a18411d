"""Functions of SQL that take the product of two lengths in SQLite, and here their sum.

A function is one step of a program, which no time limit ends.
"""

import sqlite3
from collections.abc import Callable
from functools import partial

Value = str | bytes | int | float | None
#: Octets of the longest value that SQL may make.
MAX_VALUE = 2 * 1024 * 1024
# Distinct characters with which `str.strip` is faster than a set; it looks at each for each.
_FEW = 32


def register(connection: sqlite3.Connection, is_late: Callable[[], object]) -> None:
    """Replace `instr`, `replace`, `trim`, `ltrim` and `rtrim` (sqlite.org/lang_corefunc.html).

    They fail when `is_late` says that the time of the statement is over.
    """

    def create(name: str, function: Callable[..., Value], *numbers: int) -> None:
        def in_time(*values: Value) -> Value:
            if is_late():
                raise TimeoutError
            return function(*values)

        for number in numbers:
            connection.create_function(name, number, in_time, deterministic=True)

    create("instr", _instr, 2)
    create("replace", _replace, 3)
    create("trim", _trim, 1, 2)
    create("ltrim", partial(_trim, right=False), 1, 2)
    create("rtrim", partial(_trim, left=False), 1, 2)


def _text(value: Value) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    # SQLite writes 15 digits, and always a point.
    if isinstance(value, float):
        digits, exponent, power = f"{value:.15g}".partition("e")
        point = "" if "." in digits or not digits[-1].isdigit() else ".0"
        return f"{digits}{point}{exponent}{power}".replace("inf", "Inf")
    return str(value)


def _instr(text: Value, part: Value) -> Value:
    if text is None or part is None:
        return None
    if isinstance(text, bytes) and isinstance(part, bytes):
        return text.find(part) + 1
    return _text(text).find(_text(part)) + 1


def _replace(text: Value, old: Value, new: Value) -> Value:
    if text is None or old is None or new is None:
        return None
    whole, part, instead = _text(text), _text(old), _text(new)
    if not part:
        return text
    growth = whole.count(part) * (len(instead) - len(part))
    if len(whole) + growth > MAX_VALUE:
        raise OverflowError
    return whole.replace(part, instead)


def _trim(text: Value, characters: Value = " ", *, left: bool = True, right: bool = True) -> Value:
    if text is None or characters is None:
        return None
    whole, ends = _text(text), frozenset(_text(characters))
    if len(ends) <= _FEW:
        shorter = whole.lstrip("".join(ends)) if left else whole
        return shorter.rstrip("".join(ends)) if right else shorter
    begin, end = 0, len(whole)
    while left and begin < end and whole[begin] in ends:
        begin += 1
    while right and begin < end and whole[end - 1] in ends:
        end -= 1
    return whole[begin:end]
