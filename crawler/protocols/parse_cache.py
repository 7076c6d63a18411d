"""Normalise documents to cache keys: documents with equal keys have equal readings.

Content management systems put the same files on all their hosts, except for the URL of a
sitemap or the title of a page. So a document is reduced to what any protocol reads, and only
one of the documents with equal keys is parsed (3.3 times as fast for a whole judging).

Rules for editors: the lists `IGNORED_...` name what no protocol reads. A protocol that begins to
read one of these elements must remove it here; otherwise hosts get the readings of other hosts.
The tests of this module check every entry of the lists against every protocol, but only for the
attributes that they try.
"""

import contextlib
import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from crawler import caches, page
from crawler.model import Document, Reading
from crawler.page import Element
from crawler.protocols.interface import Carrier
from crawler.protocols.robots.line_reader import MAX_BYTES, looks_like_html
from crawler.vocab import Resource

# Replaces the URL of a sitemap. An issue that quotes it comes from a document that must be
# parsed as it is, see `needs_original`.
_PLACEHOLDER = "tdm-audit:left-out"
# A record that is no rule of any group (RFC 9309, 2.2.4) and that no protocol reads. The line
# must be ASCII without a comment: anything else could be quoted, or be decoded differently.
_SITEMAP = re.compile(rb"^sitemap:[ \t]*[!\"$-~]+(?=\r?$)", re.IGNORECASE | re.MULTILINE)
_SITEMAP_KEY, _PLACEHOLDER_BYTES = b"sitemap:", _PLACEHOLDER.encode()
# The attributes by which protocols find an element.
_NAMING = ("name", "property", "http-equiv", "itemprop")
#: Names of meta elements (whole, and beginnings) and relations of links that no protocol reads.
IGNORED_METAS = frozenset(
    "viewport description keywords generator theme-color color-scheme format-detection referrer "
    "google-site-verification msvalidate.01 yandex-verification facebook-domain-verification "
    "handheldfriendly mobileoptimized application-name apple-mobile-web-app-title "
    "apple-mobile-web-app-capable apple-mobile-web-app-status-bar-style csrf-token csrf-param "
    "content-type x-ua-compatible".split()
)
IGNORED_META_PREFIXES = ("og:", "twitter:", "article:", "fb:", "msapplication-", "al:")
# Names with such a beginning that a protocol reads.
_READ_METAS = frozenset(("og:site_name",))
IGNORED_LINK_RELATIONS = frozenset(
    "stylesheet icon shortcut apple-touch-icon apple-touch-icon-precomposed mask-icon manifest "
    "preload prefetch preconnect dns-prefetch modulepreload alternate amphtml shortlink pingback "
    "edituri wlwmanifest profile next prev canonical https://api.w.org/".split()
)


class CacheKey(NamedTuple):
    """The cache key of a document, and the normalised document to parse."""

    key: Hashable
    document: Document


def normalise_for_cache(carrier: Carrier, resource: Resource, document: Document) -> CacheKey:
    """Return the cache key of a document of a resource, and the document in normal form.

    Documents with equal keys have equal readings, except for readings that quote a part that
    was left out: `needs_original` tells those.
    """
    facts = (carrier, resource, document.media_type, document.charset, document.truncated)
    if carrier is Carrier.PAGE:
        return CacheKey((*facts, _page_key(document.body)), document)
    if resource is Resource.ROBOTS_TXT:
        document = replace(document, body=_without_sitemaps(document.body))
    return CacheKey((*facts, document.body), document)


def _without_sitemaps(body: bytes) -> bytes:
    """Return a robots.txt with placeholders for the URLs of its sitemaps."""
    normalised = b"".join(_pieces(body))
    # Only the first octets of a long file are parsed, and a placeholder could move the limit.
    # Of markup the beginning is quoted in an issue.
    if max(len(normalised), len(body)) > MAX_BYTES or looks_like_html(body):
        return body
    return normalised


def _pieces(body: bytes) -> Iterator[bytes]:
    """Yield a robots.txt in pieces, with a placeholder for the URL of each sitemap."""
    # `find` for the key and then a match: a regular expression alone would stop at the
    # beginning of every line.
    lowered, copied_to, position = body.lower(), 0, -1
    while (position := lowered.find(_SITEMAP_KEY, position + 1)) >= 0:
        if record := _SITEMAP.match(body, position):
            yield body[copied_to : position + len(_SITEMAP_KEY)]
            yield _PLACEHOLDER_BYTES
            copied_to = record.end()
    yield body[copied_to:]


def needs_original(readings: Iterable[Reading]) -> bool:
    """Return whether readings quote a placeholder, so that the original must be parsed.

    `readings` are those of the normalised document. A file that really contains the placeholder
    is parsed again too, which is harmless.
    """
    return any(_PLACEHOLDER in issue.excerpt for reading in readings for issue in reading.issues)


@lru_cache(maxsize=caches.CURRENT_DOCUMENT)
def _page_key(extracted: bytes) -> Hashable:
    """Return what protocols read of an extract.

    The title and heading of a page matter only where it has passages of prose: without any,
    the extract is only cut into its elements, and its JSON is not parsed.
    """
    bare = page.split_raw_elements(extracted)
    if bare is not None:
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return bare.links, tuple([e for e in bare.elements if not _is_common_raw(e)])
    elements = page.read_elements(extracted)
    # Of a page with passages, the canonical URL is read too (is it a page of terms?).
    kept = [e for e in elements if _is_canonical(e) or not _is_ignored(e.tag, e.attributes)]
    return page.read_prose(extracted), page.read_marks(extracted), tuple(kept)


@lru_cache(maxsize=caches.PAGE_ELEMENTS)
def _is_common_raw(raw: bytes) -> bool:
    """Return whether no protocol reads an element. Pages of many hosts have the same bytes."""
    element = page.parse_raw_element(raw)
    return _is_ignored(element.tag, element.attributes)


def _is_canonical(element: Element) -> bool:
    return element.tag == "link" and (element.get("rel") or "").lower() == "canonical"


def _is_ignored(tag: str, attributes: Iterable[tuple[str, str]]) -> bool:
    """Return whether no protocol reads an element with this tag and these attributes."""
    if tag == "link":
        rel = next((value for name, value in attributes if name == "rel"), "")
        return IGNORED_LINK_RELATIONS.issuperset(rel.lower().split())
    return tag == "meta" and all(
        name in IGNORED_METAS
        or (
            name.startswith(IGNORED_META_PREFIXES)
            and name not in _READ_METAS
            and not name.endswith("bot")
        )
        for key, value in attributes
        if key in _NAMING and (name := value.strip().lower())
    )
