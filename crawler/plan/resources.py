"""The table of planned resources: what is requested from an origin, where, and in which order.

Rules for editors: a protocol with its own URL is one line of the table `PLANNED`. The
order of the lines is the order of the requests. Tests of other resources do not depend on it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from crawler.plan import page_sample
from crawler.plan.history import OriginHistory
from crawler.plan.linked_documents import RSL, TDMREP, TERMS
from crawler.urls import resolve
from crawler.vocab import SAMPLED, Resource

MAX_POLICIES = 3
MAX_LICENSES = 3

_GONE = frozenset((404, 410))
_MEDIA_SUFFIXES = tuple(
    ".avif .epub .gif .heic .jpeg .jpg .mp3 .mp4 .pdf .png .tif .tiff .webp".split()
)
_TRUST_TXT_WELL_KNOWN = "/.well-known/trust.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Options for the requests to each origin in addition to the policy files.

    `pages` and `media` are the numbers of sampled pages and media files, `terms` is the number
    of pages of terms to which pages link. With `adaptive_pages`, `pages` is the most that is
    requested: sampling ends when the share of pages that reserve is known (`page_sample`).
    `context` adds files that reserve nothing, such as ads.txt. `policy_files_always` requests
    `robots_gate.POLICY_FILES` in spite of any Disallow line, never in spite of a robots.txt that
    could not be read.

    With `listed`, the samples are URLs that the user listed: all of them are requested, after
    everything else, so that a visit may end between two of them. With `media`, those of media
    files are read as such.
    """

    pages: int = 1
    adaptive_pages: bool = False
    media: int = 0
    terms: int = 0
    context: bool = False
    policy_files_always: bool = False
    listed: bool = False


class PlanState(NamedTuple):
    """Input on which the URLs of the plan depend. `base` is scheme, host and port of the origin."""

    base: str
    samples: tuple[str, ...]
    history: OriginHistory
    options: PlanOptions


class PlannedResource(NamedTuple):
    """A line of the plan: a resource, and the function that returns its URLs.

    The function is called before every step. Its URLs may depend on what was seen until then,
    but a URL that was returned once must be returned again.
    """

    resource: Resource
    urls: Callable[[PlanState], Iterable[str]]


def _always(_state: PlanState) -> bool:
    return True


def _context_wanted(state: PlanState) -> bool:
    return state.options.context


def _well_known_trust_txt_is_gone(state: PlanState) -> bool:
    chain = (Resource.TRUST_TXT, state.base + _TRUST_TXT_WELL_KNOWN)
    return any(o.status in _GONE for o in state.history.chain(chain)[-1:])


def _path(
    path: str, condition: Callable[[PlanState], bool] = _always
) -> Callable[[PlanState], Iterable[str]]:
    """Return the URL of one path of the origin, while the condition holds."""
    return lambda state: (state.base + path,) if condition(state) else ()


def _pages(state: PlanState) -> Iterable[str]:
    urls = _sampled_urls(state.base, state.samples, state.options)[1]
    return page_sample.until_known(urls, state.history) if state.options.adaptive_pages else urls


def _media(state: PlanState) -> Iterable[str]:
    return _sampled_urls(state.base, state.samples, state.options)[0]


def _policies(state: PlanState) -> Iterable[str]:
    return islice(state.history.linked_urls(TDMREP), MAX_POLICIES)


def _licenses(state: PlanState) -> Iterable[str]:
    return islice(state.history.linked_urls(RSL), MAX_LICENSES)


def _terms(state: PlanState) -> Iterable[str]:
    # Without the test, every page would be searched for links that nobody asked for.
    number = state.options.terms
    return islice(state.history.linked_urls(TERMS), number) if number > 0 else ()


#: After the robots.txt of the origin, which comes first and decides where the others are asked.
PLANNED: tuple[PlannedResource, ...] = (
    PlannedResource(Resource.AI_TXT, _path("/ai.txt")),
    PlannedResource(Resource.AI_TXT_WELL_KNOWN, _path("/.well-known/ai.txt")),
    PlannedResource(Resource.TDMREP_JSON, _path("/.well-known/tdmrep.json")),
    PlannedResource(Resource.TRUST_TXT, _path(_TRUST_TXT_WELL_KNOWN)),
    PlannedResource(Resource.TRUST_TXT, _path("/trust.txt", _well_known_trust_txt_is_gone)),
    PlannedResource(Resource.HOME, _path("/")),
    PlannedResource(Resource.PAGE, _pages),
    PlannedResource(Resource.MEDIA, _media),
    PlannedResource(Resource.TDM_POLICY, _policies),
    PlannedResource(Resource.RSL_LICENSE, _licenses),
    PlannedResource(Resource.TERMS, _terms),
    PlannedResource(Resource.ADS_TXT, _path("/ads.txt", _context_wanted)),
    PlannedResource(Resource.SECURITY_TXT, _path("/.well-known/security.txt", _context_wanted)),
    PlannedResource(Resource.LLMS_TXT, _path("/llms.txt", _context_wanted)),
)
#: The same plan where the sampled URLs come last, since the visit may end between two of them.
PLANNED_FOR_LISTS: tuple[PlannedResource, ...] = tuple(
    sorted(PLANNED, key=lambda planned: planned.resource in SAMPLED)
)


@lru_cache(maxsize=1024)
def _sampled_urls(
    base: str, samples: tuple[str, ...], options: PlanOptions
) -> tuple[list[str], list[str]]:
    """Return the URLs of sampled media and of sampled pages, each once, without the home page.

    All are at `base`, whatever scheme and host the samples have. Where no media are wanted, a
    sampled image is a page like any other: its response has headers.
    """
    absolute = (s if "://" in s or s.startswith("/") else f"https://{s}" for s in samples)
    paths = dict.fromkeys(
        resolve.path_and_query(url) for s in absolute if (url := resolve.join(base, s)) is not None
    )
    urls = [base + path for path in paths if path != "/"]
    media = dict.fromkeys(url for url in urls if options.media > 0 and _is_media(url))
    pages = [url for url in urls if url not in media]
    if options.listed:
        return list(media), pages
    return list(media)[: options.media], pages[: max(options.pages, 0)]


def _is_media(url: str) -> bool:
    return url.partition("?")[0].lower().endswith(_MEDIA_SUFFIXES)
