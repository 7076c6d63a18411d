"""What a site owner may do about an issue, by its code (`advice.toml`)."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


def advice_for(code: str) -> str:
    """The advice for a code, else that of its family, else a general one."""
    data = _data()
    families = [prefix for prefix in data["family"] if code.startswith(prefix)]
    general = data["family"][max(families, key=len)] if families else data["fallback"]
    return str(data["advice"].get(code, general))


def codes() -> frozenset[str]:
    """The codes that have an advice of their own."""
    return frozenset(_data()["advice"])


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("crawler.reports") / "advice.toml").read_text("utf-8"))
