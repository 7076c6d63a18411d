"""What of a document anybody here looks at, without that by which alike hosts differ.

Systems put the same files on all their hosts, but for the address of a sitemap or the title of a
page. Every protocol reads documents of one essence alike, so one of them needs to be read.
"""

import contextlib
import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from crawler import page
from crawler.model import Document, Reading
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.robots.line_reader import LIMIT, looks_like_html
from crawler.vocab import Resource

# Stands for the address of a sitemap; a file that really holds it is read as it stands.
_ADDRESS = "tdm-audit:left-out"
# A record that is nobody's rule (RFC 9309, 2.2.4) and that no protocol reads.
_SITEMAP = re.compile(rb"^sitemap:[ \t]*[!\"$-~]+(?=\r?$)", re.IGNORECASE | re.MULTILINE)
_WORD, _STAND_IN = b"sitemap:", _ADDRESS.encode()
_NAMING = ("name", "property", "http-equiv", "itemprop")
# What pages are full of, and no protocol reads.
_METAS = frozenset(
    "viewport description keywords generator theme-color color-scheme format-detection referrer "
    "google-site-verification msvalidate.01 yandex-verification facebook-domain-verification "
    "handheldfriendly mobileoptimized application-name apple-mobile-web-app-title "
    "apple-mobile-web-app-capable apple-mobile-web-app-status-bar-style csrf-token csrf-param "
    "content-type x-ua-compatible".split()
)
_META_STARTS = ("og:", "twitter:", "article:", "fb:", "msapplication-", "al:")
_LINKS = frozenset(
    "stylesheet icon shortcut apple-touch-icon apple-touch-icon-precomposed mask-icon manifest "
    "preload prefetch preconnect dns-prefetch modulepreload alternate amphtml shortlink pingback "
    "edituri wlwmanifest profile next prev canonical https://api.w.org/".split()
)


class CacheKey(NamedTuple):
    """What the readings of a document depend on, and the document that is read for it."""

    of: Hashable
    document: Document


def normalise_for_cache(carrier: Carrier, resource: Resource, document: Document) -> CacheKey:
    """The essence of what a carrier brought from a resource: documents there with an equal one
    have equal readings, but for readings that quote what was left out (see `quotes`).
    """
    facts = (carrier, resource, document.media_type, document.charset, document.truncated)
    if carrier is Carrier.PAGE:
        return CacheKey((*facts, _page(document.body)), document)
    if resource is Resource.ROBOTS_TXT:
        document = replace(document, body=_without_sitemaps(document.body))
    return CacheKey((*facts, document.body), document)


def _without_sitemaps(body: bytes) -> bytes:
    """A robots.txt without the addresses of its sitemaps. One that is not read whole, or of which
    the beginning may be quoted, stays as it is.
    """
    less = b"".join(_pieces(body))
    return body if max(len(less), len(body)) > LIMIT or looks_like_html(body) else less


def _pieces(body: bytes) -> Iterator[bytes]:
    """A robots.txt in pieces, with a stand-in for each address. The word is looked for, not the
    beginnings of lines, of which there are many.
    """
    folded, done, at = body.lower(), 0, -1
    while (at := folded.find(_WORD, at + 1)) >= 0:
        if found := _SITEMAP.match(body, at):
            yield body[done : at + len(_WORD)]
            yield _STAND_IN
            done = found.end()
    yield body[done:]


def needs_original(readings: Iterable[Reading]) -> bool:
    """Whether readings quote what was left out: the document must be read as it stands."""
    return any(_ADDRESS in issue.excerpt for reading in readings for issue in reading.issues)


@lru_cache(maxsize=4)
def _page(extracted: bytes) -> Hashable:
    """What an extract says. How a page calls itself matters only where it has passages."""
    bare = page.bare(extracted)
    if bare is not None:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return bare.links, tuple([e for e in bare.elements if not _is_common_raw(e)])
    found = page.elements(extracted)
    return page.prose(extracted), tuple(
        [e for e in found if _is_canonical(e) or not _is_ignored(e.tag, e.attributes)]
    )


@lru_cache(maxsize=4096)
def _is_common_raw(standing: bytes) -> bool:
    """Whether an element is usual; pages of many hosts have it to the octet."""
    element = page.element_of(standing)
    return _is_ignored(element.tag, element.attributes)


def _is_canonical(element: Element) -> bool:
    return element.tag == "link" and (element.get("rel") or "").lower() == "canonical"


def _is_ignored(tag: str, attributes: Iterable[tuple[str, str]]) -> bool:
    """Whether an element is of the kinds that no protocol reads."""
    if tag == "link":
        rel = next((value for name, value in attributes if name == "rel"), "")
        return _LINKS.issuperset(rel.lower().split())
    return tag == "meta" and all(
        name in _METAS or (name.startswith(_META_STARTS) and not name.endswith("bot"))
        for key, value in attributes
        if key in _NAMING and (name := value.strip().lower())
    )
