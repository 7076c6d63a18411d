"""Read a response body up to a cap and decode its content coding (gzip, deflate).

Rules for editors:

- Sizes are checked before and after decompression. A few kilobytes can inflate to gigabytes, so
  never inflate without a limit.
- The event loop serves every other host, too: never decode more than `_OCTETS_PER_TURN` at once.
"""

import asyncio
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
#: Members of one gzip body. 16 MiB of a file that is cut into blocks, as by bgzip, has 256.
MAX_MEMBERS = 1_000
# Input for one call of zlib. At the end of a member it copies the rest of its input.
_PIECE = 4096
# Octets in and out, and what a new member costs in the same measure: about a millisecond, after
# which the event loop has its turn.
_OCTETS_PER_TURN, _COST_OF_MEMBER = 256 * 1024, 4096


class Body(NamedTuple):
    """A body: its `octets` up to the cap, whether more would have come, and a note."""

    octets: bytes
    truncated: bool
    note: str = ""


class _TooManyMembersError(Exception):
    """A gzip body has more than `MAX_MEMBERS` members."""


class _Inflater:
    """Incremental decoder of gzip members or of one deflate stream.

    `prefix` is the beginning of the stream, at least two octets. `octets` is what was decoded.
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
        self._members = 1
        self._pending = b""
        self._is_padding = False
        self._work = 0
        self.octets = bytearray()

    @property
    def ended(self) -> bool:
        """Return whether the end of the stream was reached."""
        return self._stream.eof

    async def inflate(self, data: bytes, limit: int) -> None:
        """Decode data until `octets` has `limit` octets, in turns with the event loop.

        Raises zlib.error if it is damaged and `_TooManyMembersError`.
        """
        for at in range(0, len(data), _PIECE):
            # Padding is not looked at again, however much of it comes.
            if self._is_padding or len(self.octets) >= limit:
                return
            piece, self._pending = self._pending + data[at : at + _PIECE], b""
            while piece and len(self.octets) < limit:
                if self._stream.eof and not self._begins_member(piece):
                    break
                piece = self._step(piece, limit)
                if self._work >= _OCTETS_PER_TURN:
                    self._work = 0
                    await asyncio.sleep(0)

    def _begins_member(self, piece: bytes) -> bool:
        """Begin the next member (RFC 1952, 2.2: a gzip file may have several), if there is one."""
        if self._gzip and len(piece) < len(_GZIP_MAGIC):
            self._pending = piece
            return False
        if not self._gzip or not piece.startswith(_GZIP_MAGIC):
            self._is_padding = True  # behind the last member, as gzip(1) tolerates
            return False
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise _TooManyMembersError
        self._stream = zlib.decompressobj(self._bits)
        self._work += _COST_OF_MEMBER
        return True

    def _step(self, piece: bytes, limit: int) -> bytes:
        """Decode some of a piece and return the rest of it."""
        most = min(limit - len(self.octets), _OCTETS_PER_TURN)
        decoded = self._stream.decompress(piece, most)
        self.octets += decoded
        rest = self._stream.unconsumed_tail or self._stream.unused_data
        self._work += len(piece) - len(rest) + len(decoded)
        return rest


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
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        try:
            # One octet more than the cap tells whether there is more.
            await inflater.inflate(chunk, cap + 1)
        except zlib.error as error:
            raise BrokenAnswerError(f"{coding} is damaged within {received} octets") from error
        except _TooManyMembersError as error:
            raise BrokenAnswerError(f"{coding} has more than {MAX_MEMBERS} members") from error
        if len(inflater.octets) > cap or received > 2 * cap:
            return Body(bytes(inflater.octets[:cap]), True)
    if not inflater.ended:
        raise BrokenAnswerError(f"{coding} ends early, after {received} octets")
    return Body(bytes(inflater.octets), False)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
