"""Paths to values inside the columns of a dataset: `meta.url`, `images[].url`, `"a.b".url`.

A path is a column and the steps from its value to a text. Structures, lists and maps have steps of
their own, and so have JSON values and texts that hold JSON. A path through a list gives a list of
texts for each row, all others give one text.
"""

import re
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, NamedTuple

# Octets of a value that is no URL for certain.
_LONGEST_BLOB = 65_536
_NEEDS_QUOTES = re.compile(r"[.\[\]\"']|^\s|\s$|^$")


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


class Kind(Enum):
    """Kinds of steps: to a named part of a value, through a list, or to what a text holds."""

    FIELD = auto()
    KEY = auto()
    MEMBER = auto()
    PARSE = auto()
    PARSE_JSON = auto()
    PARSE_BLOB = auto()
    ITEMS = auto()
    VALUES = auto()
    ELEMENTS = auto()


_LISTS = (Kind.ITEMS, Kind.VALUES, Kind.ELEMENTS)
_NAMED = (Kind.FIELD, Kind.KEY, Kind.MEMBER)
_PARSERS = {"text": Kind.PARSE, "json": Kind.PARSE_JSON, "blob": Kind.PARSE_BLOB}


class Step(NamedTuple):
    """A step, with the name of the part where it has one."""

    kind: Kind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a value: `text`, `enum`, `blob`, `json`, `struct`, `list`, `map` or `other`.

    `fields` are the parts of a structure, or of JSON objects as far as they were seen; `item` is
    the form of the items of a list or array, and of the values of a map. `has_text` tells whether
    a string was seen among JSON values; `is_known` is false if none of them was looked at.
    """

    form: str
    fields: dict[str, "Shape"] = field(default_factory=dict)
    item: "Shape | None" = None
    has_text: bool = False
    is_known: bool = True

    @property
    def is_text(self) -> bool:
        """Return whether the values may be URLs: texts, octets, or JSON strings."""
        return self.form in ("text", "blob", "enum") or self.has_text or not self.is_known


#: JSON values that were not looked at.
UNKNOWN_JSON = Shape("json", is_known=False)


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """A column and the steps to the texts in it."""

    column: str
    shape: Shape
    steps: tuple[Step, ...] = ()

    @property
    def is_list(self) -> bool:
        """Return whether a row may have several texts."""
        return any(step.kind in _LISTS for step in self.steps)

    @property
    def name(self) -> str:
        """Return the last name on the path, which is that of the texts."""
        return next((step.name for step in reversed(self.steps) if step.name), self.column)

    def __str__(self) -> str:
        """Return the path as users write it; a plain column is its name."""
        if not self.steps:
            return self.column
        segments = [_segment(self.column)]
        for step in self.steps:
            if step.kind in _LISTS:
                segments.append("[]")
            elif step.kind in _NAMED:
                segments.append("." + _segment(step.name))
        return "".join(segments)

    def then(self, kind: Kind, name: str, shape: Shape) -> "ColumnPath":
        """Return the path that is one step longer."""
        return replace(self, shape=shape, steps=(*self.steps, Step(kind, name)))

    def into_items(self) -> "ColumnPath":
        """Return the path to the items of a list or array, or to the values of a map."""
        kind = {"list": Kind.ITEMS, "map": Kind.VALUES}.get(self.shape.form, Kind.ELEMENTS)
        return self.then(kind, "", self.shape.item or UNKNOWN_JSON)

    def into_part(self, name: str) -> "ColumnPath":
        """Return the path to a named part of a structure, a map or a JSON object."""
        if self.shape.form == "map":
            assert self.shape.item is not None
            return self.then(Kind.KEY, name, self.shape.item)
        kind = Kind.FIELD if self.shape.form == "struct" else Kind.MEMBER
        return self.then(kind, name, self.shape.fields.get(name, UNKNOWN_JSON))

    def parsed(self, shape: Shape) -> "ColumnPath":
        """Return the path to the JSON value that a text holds."""
        return self.then(_PARSERS[self.shape.form], "", shape)

    def sql(self) -> str:
        """Return the SQL expression for the text of a row, or for the list of its texts."""
        return _expression(quoted(self.column), self.steps, self.shape.form)

    def sql_in_line(self, line: str) -> str:
        """Return the same for a row of JSON Lines; `line` is SQL for its text."""
        steps = (Step(Kind.MEMBER, self.column), *self.steps)
        return _expression(line, steps, "json")


def _segment(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if _NEEDS_QUOTES.search(name) else name


def _expression(value: str, steps: tuple[Step, ...], leaf: str, depth: int = 0) -> str:
    """Return the SQL for what steps lead to from an SQL value."""
    if not steps:
        return _text(value, leaf)
    (kind, name), rest = steps[0], steps[1:]
    if kind is Kind.MEMBER:
        pointer = "/" + _pointer(name)
        while rest and rest[0].kind is Kind.MEMBER:
            pointer, rest = f"{pointer}/{_pointer(rest[0].name)}", rest[1:]
        part = f"({value}, {literal(pointer)})"
        return (
            _expression(f"json_extract{part}", rest, leaf, depth)
            if rest
            else f"json_extract_string{part}"
        )
    if kind not in _LISTS:
        return _expression(_part(value, kind, name), rest, leaf, depth)
    item = f"item{depth}"
    each = _expression(item, rest, leaf, depth + 1)
    found = _items(value, kind)
    if each != item:
        found = f"list_transform({found}, lambda {item}: {each})"
    return f"flatten({found})" if any(step.kind in _LISTS for step in rest) else found


def _pointer(name: str) -> str:
    """Return a name as it is written in a JSON pointer (RFC 6901, 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _part(value: str, kind: Kind, name: str) -> str:
    if kind is Kind.FIELD:
        return f"struct_extract({value}, {literal(name)})"
    if kind is Kind.KEY:
        return f"map_extract_value({value}, {literal(name)})"
    if kind is Kind.PARSE_BLOB:
        value = f"TRY(decode({value}))"
    # In a row of JSON Lines, a column of texts is a JSON string.
    elif kind is Kind.PARSE_JSON or value.startswith("json_extract("):
        value = f"json_extract_string({value}, '$')"
    return f"TRY_CAST({value} AS JSON)"


def _items(value: str, kind: Kind) -> str:
    if kind is Kind.VALUES:
        return f"map_values({value})"
    if kind is Kind.ITEMS:
        return value
    elements = f"json_extract({value}, '$[*]')"
    return f"CASE json_type({value}) WHEN 'ARRAY' THEN {elements} ELSE [{value}] END"


def _text(value: str, leaf: str) -> str:
    if leaf == "json":
        return f"json_extract_string({value}, '$')"
    if leaf == "blob":
        # What is no UTF-8 is text only as an escape, which names no host.
        text = f"coalesce(TRY(decode({value})), CAST({value} AS VARCHAR))"
        return f"CASE WHEN octet_length({value}) > {_LONGEST_BLOB} THEN '\\x' ELSE {text} END"
    return value if leaf == "text" else f"CAST({value} AS VARCHAR)"


def shape_of_type(kind: Any) -> Shape:
    """Return the form of the values of a type of DuckDB."""
    if str(kind) == "JSON":
        return UNKNOWN_JSON
    match kind.id:
        case "varchar":
            return Shape("text")
        case "blob":
            return Shape("blob")
        case "enum" | "uuid":
            return Shape("enum")
        case "struct":
            return Shape("struct", {n: shape_of_type(child) for n, child in kind.children})
        case "list" | "array":
            return Shape("list", item=shape_of_type(kind.children[0][1]))
        case "map" if str(kind.children[0][1]) == "VARCHAR":
            return Shape("map", item=shape_of_type(kind.children[1][1]))
    return Shape("other")
