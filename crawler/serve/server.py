"""The server: Datasette with our plugin behind the gate, in uvicorn, on one socket."""

import asyncio
import contextlib
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from datasette.app import Datasette

from crawler.errors import UserError
from crawler.interrupts import handle_signals
from crawler.progress import Bar
from crawler.serve import sandbox
from crawler.serve.audits import Audit, opened_audit
from crawler.serve.gate import DATABASE, App, Gate, HostNames
from crawler.serve.header_timeout import HeaderTimeout
from crawler.serve.metadata import metadata
from crawler.serve.plugin import (
    THREADS,
    AuditDatabase,
    AuditPlugin,
    install,
    prepare_templates,
)
from crawler.serve.questions import parameters
from crawler.store.cache_files import cache_folder

_TEMPLATES = Path(__file__).with_name("templates")
#: Connections at once; more are answered 503.
_MAX_CONNECTIONS = 256
#: Seconds that answers under way have when the server is told to end.
_GRACE = 3
# Seconds after which the process ends in any case.
_MORE = 2


class AddressError(UserError):
    """The address cannot be listened on; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeRequest:
    """Options of a server. Port 0 is any free one; `max_rows` is of one answer.

    `db` is a database, or the folder of an audit in parts, which may be a URL.
    """

    db: Path | str
    host: str
    port: int
    max_rows: int


def application(request: ServeRequest, audit: Audit, cache: Path) -> App:
    """Return the ASGI application for an audit. Call it once in a process."""
    plugin = AuditPlugin(audit, cache)
    install(plugin)
    datasette = Datasette(
        [],
        metadata=metadata(),
        template_dir=str(_TEMPLATES),
        settings={
            "allow_csv_stream": False,
            "allow_download": False,
            "default_cache_ttl": 0,
            # One less, or Datasette returns one row more than the most and says nothing.
            "default_page_size": min(50, request.max_rows - 1),
            "facet_time_limit_ms": 1000,
            "max_returned_rows": request.max_rows,
            "num_sql_threads": THREADS,
            "sql_time_limit_ms": sandbox.SECONDS * 1000,
            "suggest_facets": False,
        },
    )
    datasette.add_database(AuditDatabase(datasette, audit), name=DATABASE)
    datasette.remove_database("_memory")
    prepare_templates(datasette.jinja_env)
    return Gate(datasette.app(), HostNames(request.host), parameters, plugin.stored_origin)


def serve(request: ServeRequest, started: Callable[[str], None], bar: Bar) -> None:
    """Serve an audit until a signal ends it. Call `started` with the URL when it is reachable.

    `bar` shows how the views of an audit in parts are copied. Raise `StoreError` for an audit
    that cannot be read, and `AddressError`.
    """
    cache = cache_folder()
    with opened_audit(request.db, cache, bar) as audit:
        _serve(request, audit, cache, started)


def _serve(
    request: ServeRequest, audit: Audit, cache: Path, started: Callable[[str], None]
) -> None:
    # Datasette leaves those of facets behind when its answer is an error.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    with contextlib.closing(_listen(request.host, request.port)) as listening:
        app = application(request, audit, cache)
        config = uvicorn.Config(
            app,
            access_log=False,
            http=HeaderTimeout,
            limit_concurrency=_MAX_CONNECTIONS,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
            ws="none",
        )
        server = _Server(config, lambda: started(_url(request.host, listening)))
        server.run(sockets=[listening])


def _end_process() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)


class _Server(uvicorn.Server):
    """A server that ends in good order at a signal, and says when it is reachable."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._when_started = started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at a signal, at once at a second one; this is how it is meant to end, so status 0."""
        with handle_signals(self._end):
            yield

    def _end(self) -> None:
        if self.should_exit:
            self.force_exit = True
        else:
            self.should_exit = True
            # Python waits for threads, and a step of a query is interrupted by nothing.
            last = threading.Timer(_GRACE + _MORE, _end_process)
            last.daemon = True
            last.start()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            await asyncio.to_thread(self._when_started)


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise AddressError(f"cannot listen on {host}: {error.strerror or error}") from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        raise AddressError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; choose another one "
            "with --port, or 0 for any free one"
        ) from error
    return listening


def _url(host: str, listening: socket.socket) -> str:
    """Return the URL under which a server can be opened on this machine."""
    port = listening.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"
