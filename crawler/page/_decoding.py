"""The text of a page: which codec its bytes are in."""

import codecs
import re

#: Octets of a page that are read at most; the extract says when there was more.
CAP = 512 * 1024

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
# Encoding Standard, 4.2: these labels mean windows-1252, and no page means the last few.
_LABELS = {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-16": "utf-16-le"}
_NOT_OF_THE_WEB = frozenset("idna punycode unicode-escape raw-unicode-escape utf-7".split())


def decoded(body: bytes, charset: str) -> tuple[str, str]:
    """The codec used and the text: byte order mark, then server, then page, then a guess."""
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
    return _guessed(body)


def _codec(label: str) -> str:
    """The codec a label means on the web; empty for one that no page can mean."""
    try:
        name = codecs.lookup(label).name
        "".encode(name)  # refuses transports like `hex`
    except (LookupError, ValueError):
        return ""
    return "" if name.replace("_", "-") in _NOT_OF_THE_WEB else _LABELS.get(name, name)


def _guessed(body: bytes) -> tuple[str, str]:
    try:
        # A cut inside a character is ours, not the page's.
        return "utf-8", codecs.getincrementaldecoder("utf-8")().decode(body, len(body) < CAP)
    except UnicodeDecodeError:
        return "cp1252", body.decode("cp1252", "replace")
