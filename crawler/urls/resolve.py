"""Resolve and split URLs that documents and servers write, as browsers do (WHATWG URL).

For the text of a dataset, which may be anything, use `canonical`. The functions here that take a
URL want an absolute one, such as `join` returns, and raise `ValueError` for anything else.
"""

from functools import lru_cache

import ada_url

#: Shorter than `canonical.MAX_URL_LENGTH`: a document can name any number of URLs.
_MAX_LINK_LENGTH = 4096
# Of one origin: a robots.txt may name 200 licences, and each is looked for among all of them.
_RESOLVED = 1024


def join(base: str, reference: str) -> str | None:
    """Resolve a reference against a base URL; return None if the result is not http or https.

    Fragment and credentials are dropped. Octets outside of US-ASCII, and those that
    `surrogateescape` kept, are percent-encoded.
    """
    # Only short ones are cached, since what is cached stays in memory.
    is_short = max(len(base), len(reference)) <= _MAX_LINK_LENGTH
    return _join_cached(base, reference) if is_short else _join(base, reference)


def _join(base: str, reference: str) -> str | None:
    octets = reference.encode("utf-8", "surrogateescape")
    ascii_reference = "".join(chr(o) if o < 0x80 else f"%{o:02X}" for o in octets)
    try:
        url = ada_url.URL(ascii_reference, base=base)
    except ValueError:
        return None
    if url.protocol not in ("http:", "https:"):
        return None
    url.username = url.password = url.hash = ""
    return str(url.href)


_join_cached = lru_cache(maxsize=_RESOLVED)(_join)


def is_askable(url: str) -> bool:
    """Return whether a URL is short enough that servers can be expected to take it."""
    return len(url) <= _MAX_LINK_LENGTH


@lru_cache(maxsize=4096)
def origin_text(url: str) -> str:
    """Return scheme, host and port of an absolute URL as text (RFC 6454, 6.2)."""
    return str(ada_url.URL(url).origin)


@lru_cache(maxsize=4096)
def host_of(origin: str) -> str:
    """Return the host of an origin as text, IPv6 in brackets, without the dot of the root."""
    return str(ada_url.URL(origin).hostname).removesuffix(".")


def path_and_query(url: str) -> str:
    """Return path and query of an absolute URL: what robots.txt rules are matched against."""
    parts = ada_url.URL(url)
    return f"{parts.pathname}{query_of(parts.href, parts.search)}"


def query_of(href: str, search: str) -> str:
    """Return the query of a parsed URL with its question mark; empty if it has none.

    `search` alone does not do: it is empty for an empty query, too, which is a query all the same
    (RFC 3986, 6.2.3; WHATWG URL, 6.1, search).
    """
    # Before the fragment, only the query can bring a question mark: others are percent-encoded.
    return search or ("?" if href.partition("#")[0].endswith("?") else "")
