"""Demo web server on loopback. It writes HTTP/1.1 itself, so that answers can be malformed.

Rules for editors: the event loop runs in a thread. Only `log`, under its lock, and the futures are
shared with the thread of the caller.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from crawler.demo.answers import NOT_FOUND, Answer, Exchange, Request, status
from crawler.demo.site import Site

_TLS_HANDSHAKE = b"\x16"
_MAX_HEAD = 65_536
# A client that closes, resets or sends nonsense ends its connection, never the server.
_CLIENT_FAULTS = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError)


class LoopbackWeb:
    """A server of many sites on one or more loopback ports, in a thread with an event loop.

    `with LoopbackWeb(SITES) as web:` serves until the block is left. The `Host` header selects
    the site, without its port; an unknown host is answered with 404. `listen` holds the addresses
    and ports to bind, 0 for any free port. `log_size` is the number of requests kept in `log`.
    Entering raises OSError if an address cannot be bound.
    """

    def __init__(
        self,
        sites: Iterable[Site],
        *,
        listen: tuple[tuple[str, int], ...] = (("127.0.0.1", 0),),
        log_size: int = 100_000,
    ) -> None:
        self._sites = {site.host: site for site in sites}
        self._listen = listen
        self._log: deque[Request] = deque(maxlen=log_size)
        self._log_lock = threading.Lock()
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._ready: Future[tuple[int, ...]] = Future()
        self._thread = threading.Thread(target=self._run, name="loopback-web", daemon=True)

    @property
    def ports(self) -> tuple[int, ...]:
        """Return the bound ports, in the order of `listen`."""
        return self._ready.result()

    @property
    def port(self) -> int:
        """Return the first bound port."""
        return self.ports[0]

    @property
    def log(self) -> tuple[Request, ...]:
        """Return the last `log_size` requests, oldest first."""
        with self._log_lock:
            return tuple(self._log)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result(timeout=30)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:  # an address cannot be bound: raised in `__enter__`
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            servers = [await self._bind(stack, *address) for address in self._listen]
            self._ready.set_result(tuple(s.sockets[0].getsockname()[1] for s in servers))
            await self._stop.wait()
            for server in servers:
                server.close()
            await self._close_connections()

    async def _bind(
        self, stack: contextlib.AsyncExitStack, address: str, port: int
    ) -> asyncio.Server:
        server = await asyncio.start_server(
            self._accept, address, port, limit=_MAX_HEAD, backlog=1024
        )
        return await stack.enter_async_context(server)

    async def _close_connections(self) -> None:
        """Abort every connection, and wait until its socket is closed."""
        connections = dict(self._connections)
        for task, writer in connections.items():
            writer.transport.abort()
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve_connection(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _serve_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer requests on one connection until one side closes it."""
        try:
            while await self._serve_request(reader, writer):
                pass
        except _CLIENT_FAULTS:
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve_request(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        first = await reader.readexactly(1)
        if first == _TLS_HANDSHAKE:  # no line end would ever come, so reading the head would hang
            return False
        head = first + await reader.readuntil(b"\r\n\r\n")
        request = _request(head, writer.get_extra_info("sockname")[1])
        with self._log_lock:
            self._log.append(request)
        exchange = Exchange(request=request, reader=reader, writer=writer)
        return await self._answer(request).play(exchange) and _keeps_alive(head, request)

    def _answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return status(405, ("Allow", "GET, HEAD"))
        site = self._sites.get(request.host)
        return NOT_FOUND if site is None else site.answer(request.path)


def _request(head: bytes, port: int) -> Request:
    """Parse a request head; raise ValueError if it is malformed."""
    first, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, version = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"not a request: {first[:80]}")
    fields = (line.partition(":") for line in rest)
    headers = tuple((name, value.strip()) for name, _, value in fields)
    host = next((value for name, value in headers if name.lower() == "host"), "")
    return Request(
        method=method,
        host=_without_port(host),
        path=path,
        headers=headers,
        port=port,
        time=time.monotonic(),
    )


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower().removesuffix(".")


def _keeps_alive(head: bytes, request: Request) -> bool:
    """Return whether the connection persists (RFC 9112, 9.3): not for `close` or HTTP/1.0.

    A request with a body also ends it, since the body is not read.
    """
    old = head.partition(b"\r\n")[0].endswith(b"/1.0")
    unread = request.header("content-length") not in ("", "0")
    return not old and not unread and request.header("connection").lower() != "close"
