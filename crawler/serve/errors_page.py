"""The page of an error: its status and one sentence, and never a traceback."""

import json
import traceback
from typing import Any

from datasette.utils import sqlite3
from datasette.utils.asgi import Base400, Response
from datasette.views.base import DatasetteError

from crawler.errors import UserError
from crawler.serve import sandbox
from crawler.serve.linear_functions import MAX_VALUE
from crawler.store.database import StoreError

_TITLES = {
    400: "That could not be answered",
    403: "This is not public",
    404: "There is no such page",
    503: "Not now",
}
# By the exit status that the command line has for the same error.
_STATUS = {2: 400, 3: 503}
_TOO_LONG = f"The query took longer than {sandbox.SECONDS} s. Ask for less, or add a condition."


async def error_page(datasette: Any, request: Any, status: int, message: str) -> Any:
    """Return an answer with a sentence, as JSON where data were asked for."""
    if request.path.endswith((".json", ".csv")):
        return Response.json({"ok": False, "error": message, "status": status}, status=status)
    context = {"status": status, "title": _TITLES.get(status, "Error"), "message": message}
    html = await datasette.render_template("error.html", context, request=request)
    return Response.html(html, status=status)


def answer_of(exception: Exception) -> tuple[int, str]:
    """Return status and sentence of an error."""
    if isinstance(exception, DatasetteError):
        if exception.title == "SQL Interrupted":
            return 400, _TOO_LONG
        # Datasette says 500 where a column that was asked for does not exist.
        return 400 if exception.status >= 500 else exception.status, sentence(
            str(exception.message)
        )
    if isinstance(exception, Base400):
        return exception.status, str(exception.args[0] if exception.args else "")
    if isinstance(exception, StoreError):
        return 503, f"{exception}."
    if isinstance(exception, UserError):
        return _STATUS.get(exception.status, 404), f"{exception}."
    if isinstance(exception, json.JSONDecodeError):
        return 400, 'Values of a list are separated by commas, or are JSON: ["a", "b"].'
    if isinstance(exception, sqlite3.Error):
        found = str(exception)
        said = sentence(found)
        return 400, f"SQLite: {found}" if said == found else said
    traceback.print_exception(exception)
    return 500, f"A fault of this program: {type(exception).__name__}: {exception}"


def left_out_sentence(view: str) -> str:
    """Return why a public view has no page, and where its rows are."""
    return (
        f"The view {view} of this audit has more rows than are copied for these pages: they are "
        "read origin by origin, by questions, or in DuckDB."
    )


def sentence(error: str) -> str:
    """Return what an error of SQLite says to a reader."""
    if error == "interrupted":
        return _TOO_LONG
    if error == "user-defined function raised exception":
        return "A function of the query made a text that is too long, or took too long."
    if error == "string or blob too big":
        most = MAX_VALUE // 1024 // 1024
        return (
            f"A value or a line is larger than {most} MiB. Ask for fewer columns, or other lines."
        )
    return error
