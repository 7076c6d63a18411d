"""Find the paths to texts in a dataset: the one that a user names, or all that there are.

The parts of JSON values, and of texts that hold JSON, are known from a sample of the rows.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import duckdb

from crawler.dataset.files import DatasetError
from crawler.dataset.paths import ColumnPath, Shape, shape_of_type

# Levels that are looked into, and members that are listed of JSON objects.
_MAX_DEPTH = 8
_MAX_FIELDS = 300
_QUOTED = re.compile(r"""\.?"((?:[^"]|"")*)"|\["((?:[^"]|"")*)"\]|\['((?:[^']|'')*)'\]""")
_NAME = re.compile(r"\.?([^.\[]+)")

#: Returns the first texts of a path.
Sample = Callable[[ColumnPath], list[str | None]]


def columns_of(rows: duckdb.DuckDBPyRelation) -> list[ColumnPath]:
    """Return the path of each column."""
    kinds = zip(rows.columns, rows.types, strict=True)
    return [ColumnPath(name, shape_of_type(kind)) for name, kind in kinds]


def shape_of_json(values: Iterable[Any]) -> Shape:
    """Return the form of parsed JSON values that may differ: all parts that any of them has."""
    fields: dict[str, list[Any]] = {}
    items: list[Any] = []
    has_items = has_text = False
    for value in values:
        if isinstance(value, dict):
            for name, part in value.items():
                if name in fields or len(fields) < _MAX_FIELDS:
                    fields.setdefault(name, []).append(part)
        elif isinstance(value, list):
            has_items = True
            items += value
        else:
            has_text = has_text or isinstance(value, str)
    parts_seen = {name: shape_of_json(found) for name, found in fields.items()}
    item = shape_of_json(items) if has_items else None
    return Shape("json", parts_seen, item, has_text=has_text)


def _parsed(texts: Iterable[str | None]) -> list[Any]:
    """Return the values of texts that hold a JSON object or array."""
    found = []
    for text in texts:
        if text and text.lstrip()[:1] in ("{", "["):
            try:
                found.append(json.loads(text))
            except (ValueError, RecursionError):
                continue
    return found


def explored(path: ColumnPath, sample: Sample) -> ColumnPath:
    """Return a path whose shape has the parts of its JSON values, as a sample shows them."""
    if path.shape.is_known:
        return path
    texts = sample(path)
    has_text = any(text and text.lstrip()[:1] not in ("{", "[") for text in texts)
    return replace(path, shape=replace(shape_of_json(_parsed(texts)), has_text=has_text))


def explored_text(path: ColumnPath, sample: Sample) -> ColumnPath:
    """Return the path to the JSON values that texts hold, if a sample shows any, else itself."""
    path = explored(path, sample)
    if not path.shape.is_text or path.shape.fields or path.shape.form == "enum":
        return path
    values = _parsed(sample(path))
    return path.parsed(shape_of_json(values)) if values else path


def leaves(path: ColumnPath, sample: Sample, depth: int = 0) -> Iterator[ColumnPath]:
    """Yield the paths to all texts in a column."""
    path = explored(path, sample)
    # A path through a list also takes values that are no list.
    if path.shape.is_text and path.shape.item is None:
        yield path
    if depth < _MAX_DEPTH:
        for name in path.shape.fields:
            yield from leaves(path.into_part(name), sample, depth + 1)
        if path.shape.item is not None:
            yield from leaves(path.into_items(), sample, depth + 1)


def find(rows: duckdb.DuckDBPyRelation, text: str, sample: Sample) -> ColumnPath:
    """Return the path that a text names; a column of that very name comes first.

    Letters may be in another case where no name has these. `[]` may be left out. Raise
    `DatasetError`.
    """
    columns = columns_of(rows)
    for path in (*_named(columns, text), *_beginning(columns, text)):
        rest = text[len(path.column) :]
        found = _followed(path, rest, sample) if rest else _to_texts(path, sample)
        if found is not None:
            return found
    quote = _QUOTED.match(text)
    if quote:
        name = _unquoted(quote)
        for path in _named(columns, name):
            found = _followed(path, text[quote.end() :], sample)
            if found is not None:
                return found
    raise DatasetError(f"There is no column {text}; the columns are: {', '.join(rows.columns)}.")


def _named(columns: list[ColumnPath], name: str) -> list[ColumnPath]:
    exact = [path for path in columns if path.column == name]
    return exact or [path for path in columns if path.column.lower() == name.lower()][:1]


def _beginning(columns: list[ColumnPath], text: str) -> list[ColumnPath]:
    """Return the columns whose name a text begins with, the longest and most exact first."""
    found = [
        path
        for path in columns
        if text.lower().startswith(path.column.lower())
        and text[len(path.column) :][:1] in (".", "[")
    ]
    return sorted(found, key=lambda p: (-len(p.column), not text.startswith(p.column)))


def _followed(path: ColumnPath, rest: str, sample: Sample) -> ColumnPath | None:
    """Return the path that the rest of a text leads to; None if there is none."""
    if not rest:
        return _to_texts(path, sample)
    path = explored_text(path, sample)
    shape = path.shape
    if rest.startswith("[]"):
        if shape.item is None and shape.form != "json":
            return None
        return _followed(path.into_items(), rest[2:], sample)
    for part, after in _named_parts(path, rest):
        found = _followed(part, after, sample)
        if found is not None:
            return found
    if shape.item is not None:  # without its brackets
        return _followed(path.into_items(), rest, sample)
    return None


def _named_parts(path: ColumnPath, rest: str) -> Iterator[tuple[ColumnPath, str]]:
    """Yield each part that the beginning of a text names, and what follows the name."""
    shape = path.shape
    match = _QUOTED.match(rest)
    name = _unquoted(match) if match else None
    if match is None:
        for known in sorted(shape.fields, key=len, reverse=True):
            after = rest[len(known) + 1 :]
            is_this = rest[:1] == "." and rest[1 : len(known) + 1].lower() == known.lower()
            if is_this and (not after or after[0] in ".["):
                yield path.into_part(known), after
        match = _NAME.match(rest)
        name = match[1] if match else None
    if match is None or name is None:
        return
    similar = [known for known in shape.fields if known.lower() == name.lower()]
    if name in shape.fields or similar:
        chosen = name if name in shape.fields else similar[0]
        yield path.into_part(chosen), rest[match.end() :]
    elif shape.form == "map" or (shape.form == "json" and shape.item is None):
        yield path.into_part(name), rest[match.end() :]


def _unquoted(match: re.Match[str]) -> str:
    double, bracketed, single = match.groups()
    if single is not None:
        return single.replace("''", "'")
    return (double if double is not None else bracketed).replace('""', '"')


def _to_texts(path: ColumnPath, sample: Sample) -> ColumnPath | None:
    """Return the path to the texts of a value: through its lists. Raise for a structure."""
    path = explored(path, sample)
    while path.shape.item is not None and path.shape.form != "map":
        path = explored(path.into_items(), sample)
    if path.shape.form in ("struct", "map") or (path.shape.fields and not path.shape.has_text):
        names = ", ".join(str(path.into_part(name)) for name in path.shape.fields) or f"{path}.KEY"
        raise DatasetError(f"{path} is a structure; name one of its parts: {names}.")
    return path
