"""The questions of the first page, from `questions.toml`: each a query of public views."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from crawler.serve.gate import DATABASE


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuestion:
    """A question by name: who asks it, what a line of its answer is, and its SQL.

    `parameters` are named parameters of the SQL with their default; an empty default is asked for.
    """

    key: str
    group: str
    title: str
    unit: str
    asked_by: str
    sql: str
    parameters: dict[str, str]


@cache
def questions() -> dict[str, NamedQuestion]:
    """Return the questions by their key, in their order."""
    text = (files("crawler.serve") / "questions.toml").read_text("utf-8")
    return {
        key: NamedQuestion(
            key=key,
            group=entry["group"],
            title=entry["title"],
            unit=entry["unit"],
            asked_by=entry["asked_by"],
            sql=entry["sql"].strip(),
            parameters=entry.get("parameters", {}),
        )
        for key, entry in tomllib.loads(text).items()
    }


def groups() -> dict[str, list[NamedQuestion]]:
    """Return the questions by group, in their order."""
    found: dict[str, list[NamedQuestion]] = {}
    for question in questions().values():
        found.setdefault(question.group, []).append(question)
    return found


def parameters(path: str) -> dict[str, str]:
    """Return the parameters that a path of a question needs, with their defaults."""
    name = path.removeprefix(f"/{DATABASE}/").partition(".")[0]
    question = questions().get(name) if path.startswith(f"/{DATABASE}/") else None
    return question.parameters if question else {}


def canned_queries() -> dict[str, dict[str, Any]]:
    """Return the questions as queries of Datasette's metadata."""
    return {
        q.key: {"sql": q.sql, "title": q.title, "params": list(q.parameters)}
        for q in questions().values()
    }
