"""XMP metadata of a PDF document: the stream that its catalogue names (ISO 32000-1, 14.3.2)."""

import io
import zlib
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from crawler.media._model import PACKET_CAP, UnreadableError

if TYPE_CHECKING:
    import pikepdf


# Octets of a stream after decoding, as the table of the objects or a group of them is one, and
# warnings about one document.
_STREAM_CAP, _WARNINGS = 16 * 1024 * 1024, 1_000


def packets(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the packet of the document.

    Packets of images inside it are left out: they concern these images only. Raise
    `UnreadableError`, and the exceptions of pikepdf.
    """
    import pikepdf

    _limit_library()
    with pikepdf.open(io.BytesIO(body)) as pdf:
        metadata = pdf.Root.get("/Metadata")
        if isinstance(metadata, pikepdf.Stream):
            number, generation = metadata.objgen
            yield f"object {number} {generation}", _content(metadata)


@cache
def _limit_library() -> None:
    """Set limits of qpdf for this process, once."""
    from pikepdf import settings

    settings.set_qpdf_limits(
        doc_max_warnings=_WARNINGS,
        flate_max_memory=_STREAM_CAP,
        png_max_memory=_STREAM_CAP,
        tiff_max_memory=_STREAM_CAP,
        run_length_max_memory=_STREAM_CAP,
        dct_max_memory=_STREAM_CAP,
    )


def _content(stream: "pikepdf.Stream") -> bytes:
    """Return the octets of a stream, bounded so that a bomb is not inflated."""
    filters = _filters(stream)
    if not filters:
        return stream.read_raw_bytes()
    # pikepdf's own `read_bytes` knows more filters but has no limit of size.
    if filters != ["/FlateDecode"] or "/DecodeParms" in stream.stream_dict:
        raise UnreadableError(f"metadata behind the filter {' '.join(filters)}")
    return zlib.decompressobj().decompress(stream.read_raw_bytes(), 4 * PACKET_CAP + 1)


def _filters(stream: "pikepdf.Stream") -> list[str]:
    """Return the names of the filters of a stream."""
    import pikepdf

    # ISO 32000-1, 7.3.8.2: Filter is a name or an array of names, and may be absent.
    value = stream.stream_dict.get("/Filter", pikepdf.Array())
    return [str(name) for name in ([value] if isinstance(value, pikepdf.Name) else value)]
