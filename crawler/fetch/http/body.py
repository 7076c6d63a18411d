"""Read a response body up to a cap and decode its content coding (gzip, deflate).

Rules for editors: sizes are checked before and after decompression. A few kilobytes can inflate
to gigabytes, so never inflate without a limit.
"""

import zlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from crawler.fetch.http.outcomes import BrokenAnswerError

_GZIP = ("gzip", "x-gzip")
_PLAIN = ("", "identity")
# IANA HTTP Content Coding Registry. Servers also send other words, for example a charset; those
# are ignored.
_CODINGS = frozenset(
    "aes128gcm br compress dcb dcz deflate exi gzip pack200-gzip x-compress x-gzip zstd".split()
)
_GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1


class Body(NamedTuple):
    """A body: its `octets` up to the cap, whether more would have come, and a note."""

    octets: bytes
    truncated: bool
    note: str = ""


class _Inflater:
    """Incremental decoder of gzip members or of one deflate stream.

    `prefix` is the beginning of the stream, at least two octets.
    """

    def __init__(self, coding: str, prefix: bytes) -> None:
        self._gzip = coding in _GZIP
        # RFC 9110, 8.4.1.2, note: some send deflate data without the zlib wrapper, whose
        # first two octets are a multiple of 31 (RFC 1950, 2.2).
        checksum = int.from_bytes(prefix[:2], "big") % 31
        has_wrapper = checksum == 0 and prefix[0] & 15 == zlib.DEFLATED
        # zlib reads the format from the number of bits: +16 is gzip, negative is raw deflate.
        self._bits = (
            zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS * (1 if has_wrapper else -1)
        )
        self._stream = zlib.decompressobj(self._bits)
        self._pending = b""

    @property
    def ended(self) -> bool:
        """Return whether the end of the stream was reached."""
        return self._stream.eof

    def inflate(self, data: bytes, limit: int) -> bytes:
        """Decode data and return at most `limit` octets. Raises zlib.error if it is damaged."""
        decoded = bytearray()
        data, self._pending = self._pending + data, b""
        while data and len(decoded) < limit:
            if self._stream.eof:
                # RFC 1952, 2.2: a gzip file may have several members.
                if len(data) < len(_GZIP_MAGIC):
                    self._pending = data
                    break
                if not self._gzip or not data.startswith(_GZIP_MAGIC):
                    break  # padding behind the last member, as gzip(1) tolerates
                self._stream = zlib.decompressobj(self._bits)
            decoded += self._stream.decompress(data, limit - len(decoded))
            data = self._stream.unconsumed_tail or self._stream.unused_data
        return bytes(decoded)


async def read(chunks: AsyncIterator[bytes], coding: str, cap: int) -> Body:
    """Read a body to its end or to `cap` octets after decoding.

    `coding` is the value of Content-Encoding. At most `2 * cap` octets are read from the network.
    Raises `BrokenAnswerError` if the coded body is damaged or ends early, and for a coding that
    was not requested: its octets are not the representation (RFC 9110, 8.4).
    """
    words = [word.strip().lower() for word in coding.split(",")]
    match [word for word in words if word not in _PLAIN]:
        case []:
            return await _read_raw(chunks, cap, "")
        case [("gzip" | "x-gzip" | "deflate") as supported]:
            return await _read_coded(chunks, supported, cap)
        case others if _CODINGS.isdisjoint(others):
            note = f"Content-Encoding {', '.join(others)[:50]} is no coding"
            return await _read_raw(chunks, cap, note)
        case others:
            raise BrokenAnswerError(f"Content-Encoding {', '.join(others)[:50]} was not asked for")


async def _read_raw(chunks: AsyncIterator[bytes], cap: int, note: str) -> Body:
    kept = bytearray()
    async for chunk in chunks:
        kept += chunk
        if len(kept) > cap:
            return Body(bytes(kept[:cap]), True, note)
    return Body(bytes(kept), False, note)


async def _read_coded(chunks: AsyncIterator[bytes], coding: str, cap: int) -> Body:
    # The first octets tell gzip from a label that is wrong, and deflate from zlib.
    prefix = b""
    async for chunk in chunks:
        prefix += chunk
        if len(prefix) >= len(_GZIP_MAGIC):
            break
    chunks = _chain(prefix, chunks)
    if len(prefix) < len(_GZIP_MAGIC) or (coding in _GZIP and not prefix.startswith(_GZIP_MAGIC)):
        return await _read_raw(chunks, cap, f"said {coding} and is not" if prefix else "")
    return await _inflate(chunks, coding, _Inflater(coding, prefix), cap)


async def _inflate(
    chunks: AsyncIterator[bytes], coding: str, inflater: _Inflater, cap: int
) -> Body:
    decoded, received = bytearray(), 0
    async for chunk in chunks:
        received += len(chunk)
        try:
            # One octet more than the cap tells whether there is more.
            decoded += inflater.inflate(chunk, cap + 1 - len(decoded))
        except zlib.error as error:
            raise BrokenAnswerError(f"{coding} is damaged within {received} octets") from error
        if len(decoded) > cap or received > 2 * cap:
            return Body(bytes(decoded[:cap]), True)
    if not inflater.ended:
        raise BrokenAnswerError(f"{coding} ends early, after {received} octets")
    return Body(bytes(decoded), False)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
