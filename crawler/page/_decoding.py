"""Decode a page: byte order mark, HTTP charset, meta charset, or a guess (Encoding Standard)."""

import codecs
import re

#: Bytes of a page that are read at most; the extract records that there were more.
CAP = 512 * 1024

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
# Encoding Standard, 4.2: on the web these labels mean windows-1252, and `utf-16` little-endian.
_LABELS = {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "utf-16-le"}
# Codecs of Python that are no encodings of the web.
_PYTHON_ONLY = frozenset("idna punycode unicode-escape raw-unicode-escape utf-7".split())


def decode_page(body: bytes, charset: str) -> tuple[str, str]:
    """Return the name of the codec and the text of the first 512 KiB.

    Order of precedence: byte order mark, `charset` of the server, declaration in the page, guess.
    """
    body = body[:CAP]
    for mark, name in _BOMS:
        if body.startswith(mark):
            return name, body[len(mark) :].decode(name, "replace")
    meta = _META_CHARSET.search(body, 0, 4096)
    # HTML, 13.2.3.2: a page whose declaration could be read as ASCII is not UTF-16.
    declared = (
        _codec(meta[1].decode("ascii", "replace")).replace("utf-16-le", "utf-8") if meta else ""
    )
    name = _codec(charset) or declared
    if name:
        return name, body.decode(name, "replace")
    return _guess(body)


def _codec(label: str) -> str:
    """Return the codec that a label means on the web; empty for an unknown one."""
    try:
        name = codecs.lookup(label).name
        "".encode(name)  # refuses transports like `hex`
    except (LookupError, ValueError):
        return ""
    return "" if name.replace("_", "-") in _PYTHON_ONLY else _LABELS.get(name, name)


def _guess(body: bytes) -> tuple[str, str]:
    """Return UTF-8 if the bytes are valid, else windows-1252, which accepts any bytes."""
    try:
        # `CAP` may cut inside a character, which is no error of the page: hence not `final`.
        return "utf-8", codecs.getincrementaldecoder("utf-8")().decode(body, len(body) < CAP)
    except UnicodeDecodeError:
        return "cp1252", body.decode("cp1252", "replace")
