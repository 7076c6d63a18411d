"""Advice for site owners on issues, by code (`advice.toml`)."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


def advice_for(code: str) -> str:
    """Return the advice for a code, else that of its family, else a general one."""
    data = _data()
    families = [prefix for prefix in data["family"] if code.startswith(prefix)]
    general = data["family"][max(families, key=len)] if families else data["fallback"]
    return str(data["advice"].get(code, general))


def codes() -> frozenset[str]:
    """Return the codes with a specific advice."""
    return frozenset(_data()["advice"])


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("crawler.reports") / "advice.toml").read_text("utf-8"))
