"""Ask an authority for a time stamp of a text, and verify what it answered (RFC 3161).

Rules for editors: nothing but the URL that the user gave is contacted: no redirect is followed,
no proxy of the environment is used, and certificates come from a file. rfc3161-client is an
optional part, so it is imported only here, and late.
"""

import asyncio
import hashlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.errors import UserError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

#: Seconds that an authority may take in all, and octets of its answer.
TIMEOUT_S, _MAX_OCTETS = 30.0, 256 * 1024
_TYPES = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
# What the reader says of certificates that are not in the order that DER asks for. OpenSSL writes
# them as they are in its file.
_UNSORTED = "InvalidSetOrdering"


class StampError(UserError):
    """An authority gave no time stamp, or one that is not of this text; the message says why."""


class UnreadableStampError(StampError):
    """A token that other programs can verify, and that this one cannot read."""


def require_library() -> None:
    """Raise `StampError` if the optional library is not installed."""
    try:
        import rfc3161_client  # noqa: F401
    except ImportError as error:
        raise StampError("time stamps need rfc3161-client: install tdm-audit[stamp]") from error


def request_stamp(url: str, text: str) -> bytes:
    """Return the answer of an authority about a text. Raise `StampError`.

    It is of this text and this request; its signature is not verified here.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    # With certificates, so that the token can be verified when the authority is gone.
    builder = TimestampRequestBuilder().data(text.encode()).hash_algorithm(HashAlgorithm.SHA256)
    query = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    answer = asyncio.run(_post(url, query.as_bytes()))
    try:
        response = _decoded(answer)
    except UnreadableStampError:
        if hashlib.sha256(text.encode()).digest() not in answer:
            raise StampError(f"{url} answered with a time stamp of something else") from None
        return answer
    if response.status not in (0, 1):
        why = ", ".join(response.status_string) or f"status {response.status}"
        raise StampError(f"{url} refused to give a time stamp: {why}")
    if response.tst_info.nonce != query.nonce or _imprint(response) != _digest(text):
        raise StampError(f"{url} answered with a time stamp of something else")
    return answer


async def _post(url: str, body: bytes) -> bytes:
    import aiohttp  # slow to import, and `verify` imports this module

    if not url.startswith(("http://", "https://")):
        raise StampError(f"{url} is no URL of an authority; write https://...")
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.post(url, data=body, headers=_TYPES, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise StampError(f"{url} answered {response.status}, and no time stamp")
            answer = bytearray()
            async for piece in response.content.iter_any():
                answer += piece
                if len(answer) > _MAX_OCTETS:
                    raise StampError(f"{url} answered with more than a time stamp has")
            return bytes(answer)
    except TimeoutError as error:
        raise StampError(f"{url} did not answer within {TIMEOUT_S:.0f} s; try again") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise StampError(f"{url} could not be asked for a time stamp: {error}") from error


def certificates(file: Path) -> "list[Certificate]":
    """Return the certificates of authorities in a PEM file. Raise `StampError`."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise StampError(f"{file} has no certificates in PEM: {error}") from error


def verify_stamp(token: bytes, text: str, trusted: "list[Certificate]") -> datetime:
    """Return when a text was stamped, by a token that leads to a certificate that is trusted.

    Certificates must have been valid then, not today. Raise `StampError`, and
    `UnreadableStampError` if this program cannot tell.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    response = _decoded(token)
    if _imprint(response) != _digest(text):
        raise StampError("it is a time stamp of something else")
    try:
        # A copy: the builder keeps the list.
        VerifierBuilder(roots=list(trusted)).build().verify_message(response, text.encode())
        return response.tst_info.gen_time  # type: ignore[no-any-return]
    except (VerificationError, ValueError) as error:
        raise StampError(f"it does not verify: {error}") from error


def _decoded(token: bytes) -> Any:
    from rfc3161_client import decode_timestamp_response

    try:
        response = decode_timestamp_response(token)
        _ = response.status == 0 and response.tst_info
    except ValueError as error:
        if _UNSORTED in str(error):
            raise UnreadableStampError("its certificates are not sorted as DER demands") from error
        raise StampError(f"it is no time stamp: {error}") from error
    return response


def _imprint(response: Any) -> bytes:
    return bytes(response.tst_info.message_imprint.message)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
