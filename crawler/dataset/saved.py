"""Metadata of a dataset that Hugging Face's `datasets` saved: JSON files next to Arrow files."""

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

INFO, STATE, SPLITS = "dataset_info.json", "state.json", "dataset_dict.json"
# Sizes are no longer true of a copy with more columns or fewer rows.
_SIZES = ("splits", "dataset_size", "size_in_bytes", "download_size", "download_checksums")


def describe(top: Path, out: Path, files: Iterable[Path], added: pa.Schema, facts: str) -> None:
    """Write the metadata of saved datasets for copies of their files, so that they load as such.

    `files` are below `top`; their copies, with the columns `added`, are at the same paths below
    `out`. `facts` tell how the copies were made and change the fingerprint. A folder without
    metadata is skipped.
    """
    for folder in sorted({file.parent for file in files}):
        state, info = _object(folder / STATE), _object(folder / INFO)
        if state is None or info is None:
            continue
        target = out / folder.relative_to(top)
        known = f"{state.get('_fingerprint')} {facts}"
        state["_fingerprint"] = hashlib.sha256(known.encode()).hexdigest()[:16]
        _write(target / STATE, _text(state))
        _write(target / INFO, _text(_extended(info, added)))
    if (top / SPLITS).is_file():
        _write(out / SPLITS, (top / SPLITS).read_bytes())


def _extended(info: dict[str, Any], added: pa.Schema) -> dict[str, Any]:
    result = {name: value for name, value in info.items() if name not in _SIZES}
    if isinstance(info.get("features"), dict):
        features = {field.name: _feature(field) for field in added}
        others = {n: f for n, f in info["features"].items() if n not in features}
        result["features"] = others | features
    return result


def _feature(field: pa.Field) -> dict[str, str]:
    return {"dtype": str(field.type), "_type": "Value"}


def _object(path: Path) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text("utf-8"))
        return found if isinstance(found, dict) else None
    return None


def _text(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _write(path: Path, content: bytes) -> None:
    # Made anew: what is there may be a link that somebody planted, and would be written through.
    path.unlink(missing_ok=True)
    with path.open("xb") as file:
        file.write(content)
