"""A Hugging Face dataset saved on disk: what lies beside its Arrow files and tells of them."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

INFO, STATE, SPLITS = "dataset_info.json", "state.json", "dataset_dict.json"
# What a table says of its size is no longer so when rows are left out.
_SIZES = ("splits", "dataset_size", "size_in_bytes", "download_size", "download_checksums")


def describe(top: Path, out: Path, files: Iterable[Path], added: pa.Schema, facts: str) -> None:
    """Make a folder with the files of saved datasets one that loads as such.

    `files` lie below `top` and their copies with the columns `added` below `out` in the same way.
    `facts` say how the copies were made, and so does the fingerprint. A folder that is no
    saved dataset gets nothing.
    """
    for folder in sorted({file.parent for file in files}):
        state, info = _object(folder / STATE), _object(folder / INFO)
        if state is None or info is None:
            continue
        target = out / folder.relative_to(top)
        known = f"{state.get('_fingerprint')} {facts}"
        state["_fingerprint"] = hashlib.sha256(known.encode()).hexdigest()[:16]
        _write(target / STATE, state)
        _write(target / INFO, _grown(info, added))
    if (top / SPLITS).is_file():
        shutil.copyfile(top / SPLITS, out / SPLITS)


def _grown(info: dict[str, Any], added: pa.Schema) -> dict[str, Any]:
    kept = {name: value for name, value in info.items() if name not in _SIZES}
    if isinstance(info.get("features"), dict):
        features = {field.name: _feature(field) for field in added}
        others = {n: f for n, f in info["features"].items() if n not in features}
        kept["features"] = others | features
    return kept


def _feature(field: pa.Field) -> dict[str, str]:
    return {"dtype": str(field.type), "_type": "Value"}


def _object(path: Path) -> dict[str, Any] | None:
    with contextlib.suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text("utf-8"))
        return found if isinstance(found, dict) else None
    return None


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")
