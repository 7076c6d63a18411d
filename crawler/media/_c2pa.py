"""Training and data mining assertions of C2PA manifests, read without network access.

Remote manifests are not fetched, identity assertions are not resolved, and no trust list is
consulted: a signature is valid or not, independent of its signer.
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

# C2PA, 11.1: a manifest store is a JUMBF superbox, so a file without this type has none. The test
# saves the import of the library for most files.
_BOX_TYPE = b"jumb"
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
# Settings of the library that forbid every request.
_OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "core": {"decode_identity_assertions": False, "allowed_network_hosts": []},
}
_LABELS = ("cawg.training-mining", "c2pa.training-mining")
# CAWG 1.1: the schema says `constraint_info`, the prose `constraints_info`.
_INFORMATION = ("constraint_info", "constraints_info")


def credentials(kind: str, body: bytes) -> Credentials | None:
    """Return the manifests inside a file, None if it has none.

    Raise the exceptions of the library for a manifest that it cannot read.
    """
    if kind not in _TYPES or _BOX_TYPE not in body:
        return None
    import c2pa

    context = c2pa.Context(c2pa.Settings.from_dict(_OFFLINE))
    try:
        with c2pa.Reader(_TYPES[kind], io.BytesIO(body), context=context) as reader:
            store = json.loads(reader.json())
    except c2pa.C2paError.ManifestNotFound:
        return None
    return _credentials(store)


def _credentials(store: dict[str, Any]) -> Credentials:
    active = store.get("active_manifest")
    assertions = tuple(
        assertion
        for label, manifest in store.get("manifests", {}).items()
        for assertion in _assertions(label, manifest, active=label == active)
    )
    codes = {str(status.get("code")) for status in store.get("validation_status") or ()}
    return Credentials(
        state=str(store.get("validation_state", ""))[:TEXT_CAP],
        codes=tuple(sorted(codes))[:ENTRIES],
        assertions=assertions[:ASSERTIONS],
        signer=_signer(store.get("manifests", {}).get(active)),
    )


def _signer(manifest: dict[str, Any] | None) -> str:
    """Return the organisation in the certificate that signed a manifest; empty without one."""
    information = (manifest or {}).get("signature_info") or {}
    return str(information.get("issuer") or "")[:TEXT_CAP]


def _assertions(label: str, manifest: dict[str, Any], *, active: bool) -> Iterator[Assertion]:
    for assertion in manifest.get("assertions", ()):
        name = str(assertion.get("label", ""))
        if name.startswith(_LABELS):
            yield Assertion(
                manifest=label[:TEXT_CAP],
                label=name[:TEXT_CAP],
                active=active,
                claim=int(manifest.get("claim_version") or 1),
                entries=tuple(_entries(assertion.get("data")))[:ENTRIES],
            )


def _entries(data: object) -> Iterator[tuple[str, str, str]]:
    """Yield key, use and constraint information of each entry.

    Raise `UnreadableError` for data that is no map.
    """
    if not isinstance(data, dict):
        raise UnreadableError("a training and data mining assertion is no map")
    # The schema of CAWG 1.0 had no `entries` around the entries.
    entries = data.get("entries", data)
    if not isinstance(entries, dict):
        raise UnreadableError("the entries of a training and data mining assertion are no map")
    for key, value in entries.items():
        entry = value if isinstance(value, dict) else {"use": value}
        information = next((entry[name] for name in _INFORMATION if entry.get(name)), "")
        yield str(key)[:TEXT_CAP], str(entry.get("use", ""))[:TEXT_CAP], str(information)[:TEXT_CAP]
