"""Sentences about time stamps."""


def openssl_hint(manifest: int, authority: str, why: str) -> list[str]:
    """Return what to do about a time stamp that this program cannot read."""
    return [
        f"stamp.unreadable: the time stamp of manifest {manifest} by {authority} is kept, and this "
        f"program cannot read it: {why}. OpenSSL can:",
        "  tdm-audit stamp --write stamps",
        f"  openssl ts -verify -data stamps/manifest-{manifest}.json "
        f"-in stamps/manifest-{manifest}.N.tsr -CAfile FILE",
    ]
