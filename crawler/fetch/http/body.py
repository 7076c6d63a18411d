"""Read a body up to a cap, and undo its content coding without ever exceeding that cap."""

import zlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from crawler.fetch.http.outcomes import BrokenAnswerError

_GZIP = ("gzip", "x-gzip")
_PLAIN = ("", "identity")
# IANA HTTP Content Coding Registry; other words are found where somebody meant a charset.
_CODINGS = frozenset(
    "aes128gcm br compress dcb dcz deflate exi gzip pack200-gzip x-compress x-gzip zstd".split()
)
_MAGIC = b"\x1f\x8b"


class Body(NamedTuple):
    """What is kept: `octets` up to the cap, whether more would have come, and a remark."""

    octets: bytes
    truncated: bool
    note: str = ""


class _Inflater:
    """gzip members or one deflate stream, inflated piece by piece; `head` is how it begins."""

    def __init__(self, coding: str, head: bytes) -> None:
        self._gzip = coding in _GZIP
        # RFC 9110, 8.4.1.2, note: some send deflate data without the zlib wrapper, whose
        # first two octets are a multiple of 31 (RFC 1950, 2.2).
        wrapped = int.from_bytes(head[:2], "big") % 31 == 0 and head[0] & 15 == zlib.DEFLATED
        self._bits = zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS * (1 if wrapped else -1)
        self._stream = zlib.decompressobj(self._bits)
        self._held = b""

    @property
    def ended(self) -> bool:
        """Whether the stream came to its own end."""
        return self._stream.eof

    def inflate(self, data: bytes, room: int) -> bytes:
        """At most `room` octets of what the data holds; zlib.error if it is damaged."""
        kept = bytearray()
        data, self._held = self._held + data, b""
        while data and len(kept) < room:
            if self._stream.eof:
                if len(data) < len(_MAGIC):
                    self._held = data
                    break
                if not self._gzip or not data.startswith(_MAGIC):
                    break  # padding behind the last member, as gzip(1) tolerates
                self._stream = zlib.decompressobj(self._bits)
            kept += self._stream.decompress(data, room - len(kept))
            data = self._stream.unconsumed_tail or self._stream.unused_data
        return bytes(kept)


async def read(chunks: AsyncIterator[bytes], coding: str, cap: int) -> Body:
    """Read until the end or the cap; more than twice the cap is never taken off the wire.

    A coding that was not asked for and that we cannot undo leaves nothing to read: what its
    octets would look like to a parser is not what the server has to say (RFC 9110, 8.4).
    """
    words = [word.strip().lower() for word in coding.split(",")]
    match [word for word in words if word not in _PLAIN]:
        case []:
            return await _read_raw(chunks, cap, "")
        case [("gzip" | "x-gzip" | "deflate") as known]:
            return await _read_coded(chunks, known, cap)
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
    head = b""
    async for chunk in chunks:
        head += chunk
        if len(head) >= len(_MAGIC):
            break
    chunks = _again(head, chunks)
    if len(head) < len(_MAGIC) or (coding in _GZIP and not head.startswith(_MAGIC)):
        return await _read_raw(chunks, cap, f"said {coding} and is not" if head else "")
    return await _inflate(chunks, coding, _Inflater(coding, head), cap)


async def _inflate(
    chunks: AsyncIterator[bytes], coding: str, inflater: _Inflater, cap: int
) -> Body:
    kept, received = bytearray(), 0
    async for chunk in chunks:
        received += len(chunk)
        try:
            kept += inflater.inflate(chunk, cap + 1 - len(kept))
        except zlib.error as error:
            raise BrokenAnswerError(f"{coding} is damaged within {received} octets") from error
        if len(kept) > cap or received > 2 * cap:
            return Body(bytes(kept[:cap]), True)
    if not inflater.ended:
        raise BrokenAnswerError(f"{coding} ends early, after {received} octets")
    return Body(bytes(kept), False)


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
