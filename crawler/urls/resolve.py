"""URLs as documents write them: resolved as browsers do, and taken apart."""

from functools import lru_cache

import ada_url

_LONGEST = 4096


def join(base: str, reference: str) -> str | None:
    """A reference resolved as browsers do, without fragment and credentials; None if not http.

    Octets outside US-ASCII, surrogates of `surrogateescape` among them, are percent-encoded.
    """
    octets = reference.encode("utf-8", "surrogateescape")
    plain = "".join(chr(o) if o < 0x80 else f"%{o:02X}" for o in octets)
    try:
        url = ada_url.URL(plain, base=base)
    except ValueError:
        return None
    if url.protocol not in ("http:", "https:"):
        return None
    url.username = url.password = url.hash = ""
    return str(url.href)


def is_askable(url: str) -> bool:
    """Whether a server can be expected to take a URL."""
    return len(url) <= _LONGEST


@lru_cache(maxsize=4096)
def origin_of(url: str) -> str:
    """Scheme, host and port of an absolute URL, as text."""
    return str(ada_url.URL(url).origin)


@lru_cache(maxsize=4096)
def host_of(origin: str) -> str:
    """The host of an origin as text, IPv6 in brackets, without the dot of the root."""
    return str(ada_url.URL(origin).hostname).removesuffix(".")


def path_of(url: str) -> str:
    """Path and query of an absolute URL."""
    parts = ada_url.URL(url)
    return f"{parts.pathname}{parts.search}"
