"""The metadata of a PDF document: the XMP stream that its catalogue names (ISO 32000-1, 14.3.2)."""

import io
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crawler.media._model import PACKET_CAP, UnreadableError

if TYPE_CHECKING:
    import pikepdf


def packets(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The packet of the document. Those of images inside it speak for these images only.

    Raises what pikepdf raises.
    """
    import pikepdf

    with pikepdf.open(io.BytesIO(body)) as pdf:
        metadata = pdf.Root.get("/Metadata")
        if isinstance(metadata, pikepdf.Stream):
            number, generation = metadata.objgen
            yield f"object {number} {generation}", _content(metadata)


def _content(stream: "pikepdf.Stream") -> bytes:
    """The octets of a stream, never many more than are kept, whatever it would inflate to."""
    filters = _filters(stream)
    if not filters:
        return stream.read_raw_bytes()
    if filters != ["/FlateDecode"] or "/DecodeParms" in stream.stream_dict:
        raise UnreadableError(f"metadata behind the filter {' '.join(filters)}")
    return zlib.decompressobj().decompress(stream.read_raw_bytes(), 4 * PACKET_CAP + 1)


def _filters(stream: "pikepdf.Stream") -> list[str]:
    """The names of the filters, of which there may be one, an array, or none."""
    import pikepdf

    given = stream.stream_dict.get("/Filter", pikepdf.Array())
    return [str(name) for name in ([given] if isinstance(given, pikepdf.Name) else given)]
