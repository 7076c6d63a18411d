"""JSON documents: an array of objects, an object, or several one after the other."""

from pathlib import Path

import pyarrow as pa

from crawler.dataset.formats.handler import ReadContext
from crawler.dataset.formats.jsonl import JsonlHandler
from crawler.dataset.json_values import write_values
from crawler.dataset.sinks import Sink, SinkTarget, json_text, open_stream, table_of_columns

_ROWS_PER_WRITE = 8192


class JsonHandler(JsonlHandler):
    """Reads the elements of a document as JSON Lines; writes an array."""

    def source(self, context: ReadContext, path: Path, copy: Path) -> Path:
        """See `ScanHandler.source`: a copy with an element a line."""
        if damage := write_values(path, copy):
            if not copy.stat().st_size:
                raise EOFError(f"no whole value, {damage}")
            context.damaged[path] = damage
        return copy

    def sink(self, target: SinkTarget) -> Sink:
        """See `FormatHandler.sink`."""
        return _ArraySink(open_stream(target), target.schema)


class _ArraySink:
    """Writes rows as the objects of an array, one a line."""

    def __init__(self, stream: pa.NativeFile, schema: pa.Schema) -> None:
        self._stream, self._schema = stream, schema
        self._before = "["

    def write(self, columns: list[pa.Array]) -> None:
        for batch in table_of_columns(columns, self._schema).to_batches(_ROWS_PER_WRITE):
            for row in batch.to_pylist():
                self._stream.write(f"{self._before}\n{json_text(row)}".encode())
                self._before = ","

    def close(self) -> None:
        self._stream.write(b"[]\n" if self._before == "[" else b"\n]\n")
        self._stream.close()
