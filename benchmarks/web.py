"""Web server of synthetic loopback hosts, cheap enough to measure clients.

`python -m benchmarks.web [--latency 0.2] [--silent 0.05] [--tls]` answers for all addresses of
127.0.0.0/8 on one port, prints the port and serves until its standard input ends. Hosts are
distinguished by their address, so a hundred thousand of them cost no more than one.
"""

import argparse
import asyncio
import datetime
import ipaddress
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from benchmarks import hosts

ROOT = Path(__file__).parent.parent
_FIXED_DATE = b"Date: Sun, 22 Nov 2026 05:30:00 GMT"
_TYPES = {b"txt": b"text/plain; charset=utf-8", b"json": b"application/json"}
_GONE = b"<!doctype html><title>404</title><h1>Not found</h1>\n"


def answer(path: bytes, number: int) -> bytes:
    """Return the whole answer of a host for a path."""
    match path:
        case b"/robots.txt":
            return _response(b"200 OK", path, hosts.robots(number))
        case b"/ai.txt":
            return _response(b"200 OK", path, hosts.numbered(hosts.AI_TXT, number))
        case b"/.well-known/tdmrep.json":
            return _response(b"200 OK", path, hosts.numbered(hosts.TDMREP, number))
        case b"/":
            return _response(b"200 OK", path, hosts.page(number))
    return _response(b"404 Not Found", b"", _GONE)


def not_modified(whole: bytes) -> bytes:
    """Return the 304 in place of a whole answer 200 (RFC 9110, 15.4.5), dated now."""
    head, _, _ = whole.partition(b"\r\n\r\n")
    kept = [
        line
        for line in head.split(b"\r\n")[1:]
        if not line.lower().startswith((b"content-", b"date:"))
    ]
    return b"\r\n".join((b"HTTP/1.1 304 Not Modified", _date(), *kept, b"", b""))


def _date() -> bytes:
    return b"Date: " + formatdate(usegmt=True).encode()


def _response(status: bytes, path: bytes, body: bytes) -> bytes:
    media_type = _TYPES.get(path.rpartition(b".")[2], b"text/html; charset=utf-8")
    return (
        b"HTTP/1.1 %b\r\nDate: Sun, 22 Nov 2026 05:30:00 GMT\r\nServer: nginx\r\n"
        b"Content-Type: %b\r\nLast-Modified: Sat, 21 Nov 2026 05:30:00 GMT\r\n"
        b"Cache-Control: max-age=600\r\nX-Content-Type-Options: nosniff\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (status, media_type, len(body), body)
    )


class Connection(asyncio.Protocol):
    """One client, whose requests arrive one at a time, without a body, each in one packet."""

    def __init__(self, latency: float, silent: float, *, validates: bool) -> None:
        self._latency, self._share, self._validates = latency, silent, validates
        self._silent = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._number = hosts.number_of(transport.get_extra_info("sockname")[0])
        self._silent = hosts.is_one_in(self._number, self._share)

    def data_received(self, data: bytes) -> None:
        if self._silent:
            return
        response = answer(data.split(b" ", 2)[1], self._number)
        if self._validates:
            is_known = b"\r\nif-modified-since:" in data.lower()
            if is_known and response.startswith(b"HTTP/1.1 200"):
                response = not_modified(response)
            else:
                response = response.replace(_FIXED_DATE, _date(), 1)
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._send, response)
        else:
            self._transport.write(response)

    def _send(self, response: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(response)


def loopback_socket() -> socket.socket:
    """Return a socket bound to every address of the loopback interface, and to no other."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    listening.bind(("0.0.0.0", 0))
    return listening


def certificate(folder: Path) -> ssl.SSLContext:
    """Return a TLS context with a new certificate (RSA 2048, the usual key)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback.test")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "loopback.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def serve(
    latency: float, silent: float, tls: ssl.SSLContext | None, *, validates: bool = False
) -> None:
    """Serve until standard input ends, which it does when the parent process ends."""
    loop = asyncio.get_running_loop()
    listening = loopback_socket()
    server = await loop.create_server(
        lambda: Connection(latency, silent, validates=validates),
        sock=listening,
        backlog=4096,
        ssl=tls,
    )
    print(listening.getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def raise_file_limit() -> None:
    """Raise the limit of open files to the hard limit; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextmanager
def serving(
    *, latency: float = 0, silent: float = 0, tls: bool = False, validates: bool = False
) -> Iterator[int]:
    """Serve in a subprocess for the `with` block, and yield its port."""
    command = [sys.executable, "-m", "benchmarks.web", "--latency", f"{latency}"]
    command += ["--silent", f"{silent}", *(["--tls"] if tls else [])]
    command += ["--validates"] if validates else []
    raise_file_limit()
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.terminate()


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--latency", type=float, default=0, help="seconds before each answer")
    options.add_argument("--silent", type=float, default=0, help="share that never answers")
    options.add_argument("--tls", action="store_true", help="serve https")
    options.add_argument(
        "--validates", action="store_true", help="answer 304 to conditional requests, dated now"
    )
    given = options.parse_args()
    raise_file_limit()
    with tempfile.TemporaryDirectory() as folder:
        tls = certificate(Path(folder)) if given.tls else None
    asyncio.run(serve(given.latency, given.silent, tls, validates=given.validates))
    return 0


if __name__ == "__main__":
    sys.exit(main())
