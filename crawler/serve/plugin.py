"""The plugin of Datasette: connections, permissions, cells, errors, and the pages that it lacks."""

import asyncio
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pluggy
from datasette.database import Database
from datasette.plugins import pm
from datasette.utils import sqlite3
from datasette.utils.asgi import Forbidden, Response
from datasette.views.base import DatasetteError
from markupsafe import Markup

from crawler import agents
from crawler.errors import UserError
from crawler.plurals import counted
from crawler.reports.dataset_report import words
from crawler.reports.dataset_report.html import shown, style_sheet
from crawler.reports.explain import CAVEAT
from crawler.reports.export import write_csv
from crawler.serve import bytes_page, cells, gate, home, origin_page, sandbox
from crawler.serve.audits import Audit, NotSearchedError, views_of
from crawler.serve.errors_page import answer_of, error_page, left_out_sentence, sentence
from crawler.serve.gate import DATABASE
from crawler.serve.metadata import view_path
from crawler.serve.questions import groups, questions
from crawler.serve.searching import MAX_HITS, Searcher
from crawler.store.database import StoreError, connect_read_only, public_views
from crawler.store.guarded_connection import GuardedConnection
from crawler.store.queries import find_origin
from crawler.store.whole_copy import view_definition
from crawler.urls import canonical
from crawler.vocab import Reject

T = TypeVar("T")
hookimpl = pluggy.HookimplMarker("datasette")
#: Parts of Datasette that are used; others, and plugins of the user's environment, are left out.
_KEPT = frozenset({f"datasette.{name}" for name in ("facets", "filters", "default_permissions")})
# Lines that a link can mark.
_MAX_MARKED = 50
#: Queries at once, and seconds that others wait for them.
THREADS = 4
MAX_WAIT = 2 * sandbox.SECONDS
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<rect width="16" height="16" rx="3" fill="#7d1d3f"/>'
    '<path d="M4 5h8M8 5v7" stroke="#fff" stroke-width="2"/></svg>'
)


class NoThreadError(UserError):
    """As many queries run as may run at once; the message says so."""

    status = 3


class AuditDatabase(Database):  # type: ignore[misc]  # Datasette is not typed
    """The audit database of a server: read only, and as it is while a crawl writes it."""

    def __init__(self, datasette: Any, audit: Audit) -> None:
        super().__init__(datasette, path=str(audit.pages))
        self._audit = audit
        self._free = asyncio.Semaphore(THREADS)

    def connect(self, write: bool = False) -> sqlite3.Connection:
        """Return a connection for reading."""
        if write:
            raise Forbidden("The database is read only")
        return connect_read_only(self.path, GuardedConnection)

    async def attached_databases(self) -> list[Any]:
        """Return none. Asking SQLite would tell the path of the file."""
        return []

    async def execute_fn(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in a thread for queries; raise `NoThreadError` if none becomes free."""
        try:
            await asyncio.wait_for(self._free.acquire(), MAX_WAIT)
        except TimeoutError:
            raise NoThreadError("all queries that may run at once are running; try again") from None
        running = asyncio.ensure_future(super().execute_fn(fn))
        # The thread is free when the query has ended, and not when its reader has gone.
        running.add_done_callback(lambda _: self._free.release())
        result: T = await asyncio.shield(running)
        return result

    async def execute(self, sql: str, params: Any = None, *more: Any, **options: Any) -> Any:
        """Run a query. Its error is on the page, and not on standard error as well."""
        if self._audit.is_elsewhere(sql):
            most = self.ds.max_returned_rows
            return await self.execute_fn(lambda _: self._audit.answer(sql, params, most))
        run = super().execute
        try:
            return await run(sql, params, *more, **(options | {"log_sql_errors": False}))
        except sqlite3.OperationalError as error:
            view = str(error).removeprefix("no such table: ")
            if view not in self._audit.left_out:
                raise
            raise sqlite3.OperationalError(left_out_sentence(view)) from None

    async def get_view_definition(self, view: str) -> str | None:
        """Return how a view is made. That of the whole is not made as its copy here is."""
        found: str | None = await super().get_view_definition(view)
        return found and view_definition(view)


class AuditPlugin:
    """The hooks of Datasette for one audit database."""

    __name__ = "crawler.serve.plugin"

    def __init__(self, audit: Audit, cache: Path) -> None:
        self._audit = audit
        self._home = home.HomeCache(audit.pages)
        self._searcher = Searcher(audit, cache)
        css = Path(__file__).with_name("static") / "serve.css"
        self._css = style_sheet() + css.read_text("utf-8")

    def stored_origin(self, text: str) -> str | None:
        """Return the URL of an origin as the database writes it, None if it is not there."""
        origin = canonical.origin_of(text)
        if isinstance(origin, Reject):
            return None
        try:
            with self._audit.of_url(text) as opened:
                found = find_origin(opened.db, canonical.origin_key(origin))
        except StoreError:
            return None
        return found[1] if found else None

    @hookimpl
    def prepare_connection(self, conn: sqlite3.Connection, database: str) -> None:
        """Restrict what SQL of users may read."""
        if database == DATABASE:
            sandbox.restrict(conn)

    @hookimpl
    def permission_allowed(self, action: str, resource: Any) -> bool | None:
        """Show the public views; tables have no pages, and the file cannot be downloaded."""
        if action == "view-table":
            return resource[0] == DATABASE and resource[1] in public_views()
        return False if action == "view-database-download" else None

    @hookimpl
    def render_cell(self, row: Any, value: Any, column: str, database: str) -> Markup | None:
        """Return a cell of a table as HTML."""
        if database != DATABASE:
            return None

        def other(name: str) -> Any:
            try:
                return row[name]
            except (IndexError, KeyError):
                return None

        return cells.cell(column, value, other)

    @hookimpl
    def extra_template_vars(self, request: Any) -> dict[str, Any]:
        """Return what all templates may show."""
        del request
        return {
            "file_name": self._audit.shown,
            "left_out": self._audit.left_out,
            "is_elsewhere": self._audit.is_elsewhere,
            "standing": CAVEAT,
            "purposes": words.PURPOSES,
            "all_questions": questions(),
            "state": cells.state,
            "coded": cells.coded,
            "counted": counted,
            "origin_link": cells.origin_link,
            "stored_origin": self.stored_origin,
            "raw": cells.raw,
            "cut": cells.cut,
            "sentence": lambda error: sentence(str(error)),
            "view_path": view_path,
            "minute": words.minute,
        }

    @hookimpl
    def handle_exception(self, datasette: Any, request: Any, exception: Exception) -> Any:
        """Return the page of an error: one sentence, and never a traceback."""
        return error_page(datasette, request, *answer_of(exception))

    @hookimpl
    def forbidden(self, datasette: Any, request: Any, message: str) -> Any:
        """Return the page of what may not be seen."""
        return error_page(datasette, request, 403, message or "Only the views have pages.")

    @hookimpl
    def register_routes(self) -> list[tuple[str, Callable[..., Any]]]:
        """Return the pages that Datasette lacks, and CSV that no spreadsheet calculates."""
        return [
            (r"^/$", self.home),
            (r"^/-/origin$", self.origin),
            (r"^/-/bytes/(?P<digest>[0-9a-f]{64})(?P<raw>/raw)?$", self.bytes),
            (r"^/-/search$", self.search),
            (r"^/-/style\.css$", self.style),
            (r"^/-/icon\.svg$", self.icon),
            *self._routes_of_left_out(),
            (rf"^/{DATABASE}(?:/(?P<name>[^/.]+))?\.csv$", self.csv),
        ]

    def _routes_of_left_out(self) -> list[tuple[str, Callable[..., Any]]]:
        names = "|".join(sorted(self._audit.left_out))
        path = rf"^/{DATABASE}/(?P<name>{names})(?:\.json|\.csv)?$"
        return [(path, self.left_out)] if names else []

    async def left_out(self, datasette: Any, request: Any) -> Any:
        """Answer that a view has no page, and where its rows are."""
        view, columns = request.url_vars["name"], public_views()[request.url_vars["name"]]
        message = left_out_sentence(view)
        if request.path.endswith((".json", ".csv")):
            return await error_page(datasette, request, 404, message)
        reading = [q for q in questions().values() if view in views_of(q.sql)]
        context = {"view": view, "described": columns, "message": message, "reading": reading}
        html = await datasette.render_template("left_out.html", context, request=request)
        return Response.html(html, status=404)

    async def home(self, datasette: Any, request: Any) -> Any:
        """Answer with the first page."""
        asked = request.args.get("dataset") or ""
        number = int(asked) if asked.isdecimal() and len(asked) < 10 else None
        found = await asyncio.to_thread(self._home.read, number)
        context = {"home": found, "groups": groups(), "views": public_views()}
        html = await datasette.render_template("home.html", context, request=request)
        policy = f"{gate.POLICY}; style-src 'self' {found.css_source}"
        return Response.html(html, headers={"content-security-policy": policy})

    async def origin(self, datasette: Any, request: Any) -> Any:
        """Answer with the page of one origin or URL."""
        url, agent = ((request.args.get(name) or "").strip() for name in ("url", "agent"))
        whole = request.args.get("about") == "origin"
        context: dict[str, Any] = {"url": url, "agent": agent, "whole": whole}
        if agent and agents.find(agent) is None:
            context |= {"is_unknown_agent": True, "meant": agents.meant_by(agent)}
        if url:
            context |= await asyncio.to_thread(
                origin_page.read_origin, self._audit, url, agent or None, whole_origin=whole
            )
        html = await datasette.render_template("origin.html", context, request=request)
        return Response.html(html)

    async def bytes(self, datasette: Any, request: Any) -> Any:
        """Answer with stored bytes as numbered lines, or as a file to save."""
        digest, observation = request.url_vars["digest"], _number(request.args.get("observation"))
        source, content = await asyncio.to_thread(
            bytes_page.read_source, self._audit, digest, observation
        )
        if request.url_vars["raw"]:
            return _attachment(f"{source.stored}.txt", content, "text/plain")
        marked = [n for n in map(_number, request.args.getlist("line")[:_MAX_MARKED]) if n]
        page = bytes_page.bytes_page(
            source, content, marked, _number(request.args.get("from")) or 0
        )
        context = {"page": page, "source": source, "digest": digest, "marked": marked}
        html = await datasette.render_template("bytes.html", context, request=request)
        return Response.html(html)

    async def search(self, datasette: Any, request: Any) -> Any:
        """Answer with the texts of the evidence that have some words."""
        asked = (request.args.get("q") or "").strip()[:500]
        context: dict[str, Any] = {"q": asked, "hits": None, "most": MAX_HITS}
        if asked:
            try:
                context["hits"] = await asyncio.to_thread(self._searcher.hits, asked)
            except NotSearchedError as error:
                context["refused"] = str(error)
        html = await datasette.render_template("search.html", context, request=request)
        return Response.html(html)

    async def csv(self, datasette: Any, request: Any) -> Any:
        """Answer with a view, a question or a query as CSV."""
        name = request.url_vars["name"]
        path = f"/{DATABASE}/{quote(name)}.json" if name else f"/{DATABASE}.json"
        answer = await datasette.client.get(
            # Of parameters with one name the first counts.
            f"{path}?_shape=arrays&_size=max&_nofacet=1&_nocount=1&{request.query_string}"
        )
        data = answer.json()
        if answer.status_code != 200 or not data.get("ok", True):
            raise DatasetteError(str(data.get("error")), status=answer.status_code)
        text = StringIO()
        rows = (tuple(map(_encoded, row)) for row in data["rows"])
        write_csv(rows, data["columns"], text, raw=False)
        part = "-first-rows" if data.get("truncated") or data.get("next") else ""
        return _attachment(f"{name or 'query'}{part}.csv", text.getvalue().encode(), "text/csv")

    async def style(self) -> Any:
        """Answer with the style sheet."""
        return Response(self._css, content_type="text/css; charset=utf-8")

    async def icon(self) -> Any:
        """Answer with the icon."""
        return Response(_ICON, content_type="image/svg+xml")


def install(plugin: AuditPlugin) -> None:
    """Register a plugin, and no other than the parts of Datasette that it needs."""
    for name, other in pm.list_name_plugin():
        if other is not None and name not in _KEPT:
            pm.unregister(other)
    pm.register(plugin)


def prepare_templates(environment: Any) -> None:
    """Let templates show hidden characters as escapes, as the report does."""
    environment.finalize = shown
    environment.trim_blocks = True


def _encoded(cell: Any) -> Any:
    """Return a cell of JSON for CSV. Bytes are an object there, with their base64."""
    return cell["encoded"] if isinstance(cell, dict) else cell


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and text.isascii() and len(text) < 19 else None


def _attachment(name: str, content: bytes, kind: str) -> Any:
    headers = {"content-disposition": f'attachment; filename="{quote(name)}"'}
    return Response(content, headers=headers, content_type=f"{kind}; charset=utf-8")
