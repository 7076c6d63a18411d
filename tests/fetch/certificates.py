"""Certificates made at test time: an authority of our own, and servers that use what it signed."""

import asyncio
import datetime
import ssl
import threading
from dataclasses import dataclass
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Signed:
    """A certificate with its key; `pem` is both, as a server loads them."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self):
        private = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return private + self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def digest(self):
        return sha256(self.certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


#: Policies of certificates: only a domain was validated, an organisation, or it and more.
DOMAIN, ORGANISATION, EXTENDED = "2.23.140.1.2.1", "2.23.140.1.2.2", "2.23.140.1.1"


def sign(name, *, by=None, expired=False, organisation="", policy=""):
    """A certificate for a host name, signed by an authority; by itself, and for one, if none."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]
    if organisation:
        names.append(x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation))
    subject = x509.Name(names)
    issuer = by.certificate.subject if by else subject
    today = datetime.datetime.now(datetime.UTC)  # noqa: TID251 - certificates are of today
    now = today - (30 * DAY if expired else 0 * DAY)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    )
    if policy:
        policies = [
            x509.PolicyInformation(x509.ObjectIdentifier(oid), None) for oid in ("1.2.3.4", policy)
        ]
        builder = builder.add_extension(x509.CertificatePolicies(policies), critical=False)
    return Signed(builder.sign(by.key if by else key, hashes.SHA256()), key)


class TlsServer:
    """Answers by TLS, from a thread: with its files, else 404. Counts connections and requests."""

    def __init__(self, signed, folder, **files):
        self.files = {name.encode(): body.encode() for name, body in files.items()}
        path = folder / f"{signed.digest}.pem"
        path.write_bytes(signed.pem)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path)
        self.connections = self.requests = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _main(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.context)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        try:
            while asked := await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                body = self.files.get(asked.split()[1])
                status = b"404 Not Found" if body is None else b"200 OK"
                length = b"Content-Length: %d" % len(body or b"")
                writer.write(b"HTTP/1.1 %s\r\n%s\r\n\r\n%s" % (status, length, body or b""))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
