"""Say an explanation from one part of an audit with the numbers that the whole of it has."""

from typing import Any

from crawler.store.exported_tables import key_in_whole, number_in_whole

_NUMBER, _KEY = "observation", "statement"


def in_whole(data: Any, part: int) -> Any:
    """Return JSON data with observations and statements as views of all parts number them."""
    if isinstance(data, list):
        return [in_whole(value, part) for value in data]
    if not isinstance(data, dict):
        return data
    said = {name: in_whole(value, part) for name, value in data.items()}
    if isinstance(number := said.get(_NUMBER), int):
        said[_NUMBER] = number_in_whole(number, part)
    if isinstance(key := said.get(_KEY), str):
        said[_KEY] = key_in_whole(key, part)
    return said
