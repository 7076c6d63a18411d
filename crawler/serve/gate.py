"""The gate before all pages: names of this server, paths, and the headers of every answer."""

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The name of the database in URLs, whatever its file is called.
DATABASE = "audit"
#: Without script, and without style in the page; `home` adds the digest of one style sheet.
POLICY = (
    "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_POLICY_HEADER = b"content-security-policy"
# Datasette has pages about itself (versions, settings, paths of files) that no reader needs.
_PATHS = re.compile(
    rf"/|/{DATABASE}(?:/[^/.]*)?(?:\.json|\.csv)?|/-/(?:origin|search|style\.css|icon\.svg)|/-/bytes/[0-9a-f]{{64}}(?:/raw)?"
)
# As SQLite's integers have it.
_NUMBER = re.compile(r"[0-9]{1,18}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_loopback(host: str) -> bool:
    """Return whether a name or address to listen on reaches this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HostNames:
    """The names under which a server is asked for: those of the address that it listens on.

    A page of another site could otherwise have its own name resolve to this machine, and read the
    audit through the browser of its visitor (DNS rebinding).
    """

    def __init__(self, host: str) -> None:
        self._names = {*_LOOPBACK, host.lower()}
        self._any_address = False
        with contextlib.suppress(ValueError):
            self._any_address = ipaddress.ip_address(host).is_unspecified
        if self._any_address:
            self._names.add(socket.gethostname().lower())

    def __contains__(self, host: str) -> bool:
        """Return whether a Host header, with or without port, names this server."""
        name = re.sub(r":\d*$", "", host.lower()).strip("[]")
        if name in self._names:
            return True
        try:
            # An address has no owner who could let it point to another machine.
            return self._any_address and bool(ipaddress.ip_address(name))
        except ValueError:
            return False


class Gate:
    """An ASGI application in front of another: it refuses, redirects, and sets headers."""

    def __init__(
        self,
        app: App,
        names: HostNames,
        parameters: Callable[[str], dict[str, str]],
        origin_of: Callable[[str], str | None],
    ) -> None:
        self._app, self._names = app, names
        self._parameters, self._origin_of = parameters, origin_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": _protected(message.get("headers", []))}
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await _answer(protected, *refusal)
        elif (location := await self._redirection(scope)) is not None:
            await _answer(protected, 302, "", (b"location", location.encode()))
        else:
            await self._app(scope, receive, protected)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and sentence of a request that is refused."""
        headers = scope["headers"]
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or hosts[0] not in self._names:
            return 400, "This server is not asked under that name."
        if scope["method"] not in ("GET", "HEAD"):
            return 405, "This server only answers GET."
        fetch = {n: v for n, v in headers if n in (b"sec-fetch-site", b"sec-fetch-mode")}
        asked = parse_qs(scope["query_string"].decode("latin-1"))
        # A page of another site may link here, but load nothing from here, nor start a query.
        if fetch.get(b"sec-fetch-site") == b"cross-site":
            if fetch.get(b"sec-fetch-mode") != b"navigate":
                return 403, "Other sites may not load this."
            if {"sql", "_where"} & set(asked):
                return 403, "Other sites may not start a query. Open it from a page of this server."
        if not _PATHS.fullmatch(scope["path"]):
            return 404, "There is no such page. The first page is /."
        for name in ("_next", "_size", "_timelimit"):
            for value in asked.get(name, ()):
                if not _NUMBER.fullmatch(value) and (name, value) != ("_size", "max"):
                    return 400, f"{name} must be a number of at most 18 digits."
        return None

    async def _redirection(self, scope: Scope) -> str | None:
        """Return where a path without an answer leads: to the first page, or to a full question.

        A question has all its parameters, and an origin as the database writes it.
        """
        asked = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        path: str = scope["path"]
        if path in (f"/{DATABASE}", f"/{DATABASE}/"):
            return None if any(asked.get("sql", ())) else "/"
        takes = self._parameters(path)
        complete = {k: [v] for k, v in takes.items() if v and k not in asked}
        if "origin" in takes and (named := asked.get("origin", [""])[0].strip()):
            written = await asyncio.to_thread(self._origin_of, named)
            if written is not None and [written] != asked["origin"]:
                complete["origin"] = [written]
        return f"{quote(path)}?{urlencode(asked | complete, doseq=True)}" if complete else None


def _protected(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    names = {name for name, _ in _HEADERS}
    kept = [(n, v) for n, v in headers if n.lower() not in names]
    if all(n.lower() != _POLICY_HEADER for n, _ in kept):
        kept.append((_POLICY_HEADER, POLICY.encode()))
    return [*kept, *_HEADERS]


async def _answer(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [plain, *headers]})
    await send({"type": "http.response.body", "body": text.encode()})
