"""Training and data mining assertions of C2PA manifests, read without any network.

A manifest that is kept elsewhere is not fetched, identity assertions are not resolved, and no
trust list is asked: a signature is valid or not, whoever made it.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

from crawler.media._model import (
    ASSERTIONS,
    ENTRIES,
    TEXT_CAP,
    Assertion,
    Credentials,
    UnreadableError,
)

# What every manifest store holds (C2PA, 11.1: it is a JUMBF superbox).
_MARK = b"jumb"
_TYPES = {
    "avif": "image/avif",
    "epub": "application/epub+zip",
    "gif": "image/gif",
    "heif": "image/heif",
    "jpeg": "image/jpeg",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "tiff": "image/tiff",
    "webp": "image/webp",
}
_OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "core": {"decode_identity_assertions": False, "allowed_network_hosts": []},
}
_LABELS = ("cawg.training-mining", "c2pa.training-mining")
_INFORMATION = ("constraint_info", "constraints_info")


def credentials(kind: str, body: bytes) -> Credentials | None:
    """The manifests inside a file, None if it has none; raises what the library raises."""
    if kind not in _TYPES or _MARK not in body:
        return None
    import c2pa

    context = c2pa.Context(c2pa.Settings.from_dict(_OFFLINE))
    try:
        with c2pa.Reader(_TYPES[kind], io.BytesIO(body), context=context) as reader:
            found = json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return None
    return _credentials(found)


def _credentials(found: dict[str, Any]) -> Credentials:
    active = found.get("active_manifest")
    assertions = tuple(
        assertion
        for label, manifest in found.get("manifests", {}).items()
        for assertion in _assertions(label, manifest, active=label == active)
    )
    codes = {str(one.get("code")) for one in found.get("validation_status") or ()}
    return Credentials(
        state=str(found.get("validation_state", ""))[:TEXT_CAP],
        codes=tuple(sorted(codes))[:ENTRIES],
        assertions=assertions[:ASSERTIONS],
    )


def _assertions(label: str, manifest: dict[str, Any], *, active: bool) -> Iterator[Assertion]:
    for one in manifest.get("assertions", ()):
        name = str(one.get("label", ""))
        if name.startswith(_LABELS):
            yield Assertion(
                manifest=label[:TEXT_CAP],
                label=name[:TEXT_CAP],
                active=active,
                claim=int(manifest.get("claim_version") or 1),
                entries=tuple(_entries(one.get("data")))[:ENTRIES],
            )


def _entries(data: object) -> Iterator[tuple[str, str, str]]:
    """Key, use and information of each entry; version 1.0 had no `entries` around them."""
    if not isinstance(data, dict):
        raise UnreadableError("a training and data mining assertion is no map")
    entries = data.get("entries", data)
    if not isinstance(entries, dict):
        raise UnreadableError("the entries of a training and data mining assertion are no map")
    for key, value in entries.items():
        given = value if isinstance(value, dict) else {"use": value}
        information = next((given[name] for name in _INFORMATION if given.get(name)), "")
        yield str(key)[:TEXT_CAP], str(given.get("use", ""))[:TEXT_CAP], str(information)[:TEXT_CAP]
