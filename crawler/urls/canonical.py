"""Find the origin, the site and the path of any text that is meant to be a URL.

URLs are read as browsers read them (WHATWG URL, 4.4). A text without a scheme is taken for a
host only if it looks like a name (a dot in it, or `localhost`) or like an address, since columns
of URLs also hold words, numbers and mail addresses. No standard has that rule; it is our own.

Rules for editors: nothing here raises, a text that names no origin gives a `Reject`. The SQL of
`dataset` and `flags` has fast paths for plain URLs that must agree with `origin_of` and `path_of`:
the property tests in `tests/dataset` and `tests/flags` compare them.
"""

import hashlib
import importlib.resources
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import ada_url

from crawler.model import Origin
from crawler.urls import resolve
from crawler.vocab import Reject

# Imported late: it imports an HTTP client, which takes a while, and most commands need no site.
if TYPE_CHECKING:
    import tldextract

#: In characters. Longer URLs are not requested: RFC 9110, 4.1 recommends that servers support
#: 8000 octets.
MAX_URL_LENGTH = 8192

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ATTRIBUTES = ("href", "protocol", "hostname", "port", "pathname", "search")
# WHATWG URL, 4.4: C0 controls and spaces around, tabs and line ends anywhere, are removed.
# Cells of tables also carry no-break spaces and byte order marks.
_STRIPPED = "".join(c for c in map(chr, range(0x3001)) if c <= " " or c.isspace()) + "\ufeff\u200b"
_REMOVED = str.maketrans("", "", "\t\r\n")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# A host with a port looks like a scheme: `example.org:80/x`. A port is digits up to the path.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_PORT_FOLLOWS = re.compile(r"(?!//)[0-9]*(?:[/?#\\]|\Z)")
_END_OF_AUTHORITY = re.compile(r"[/?#\\]")
_PORT = re.compile(r":([^:\]]*)\Z")
# RFC 1123, 2.1 plus the underscore, which names in use do have.
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\.?")
_MAX_HOST_LENGTH = 253


class _ParsedUrl(NamedTuple):
    """The parts of a URL. `path` includes the query; `assumed` says that no scheme was written."""

    scheme: str
    host: str
    port: int
    path: str
    assumed: bool


def _looks_like_host(host: str) -> bool:
    """Return whether the start of a text without a scheme is a host, such as `a.b` or `[::1]`."""
    labels = [label for label in _DOTS.split(host) if label]
    if host.startswith("[") or [label.lower() for label in labels] == ["localhost"]:
        return True
    # `1.5` would be the address 1.0.0.5 to a browser; in a column of texts it is a number.
    return len(labels) > 1 and (not labels[-1].isdigit() or _IPV4.fullmatch(host) is not None)


def _split_authority(text: str) -> tuple[str, str]:
    """Split the authority at the start of a text into (user information and host, port).

    The port is empty if there is none.
    """
    authority = _END_OF_AUTHORITY.split(text, maxsplit=1)[0]
    port = _PORT.search(authority)
    return (authority[: port.start()], port[1]) if port else (authority, "")


def _scheme_of(text: str) -> str:
    """Return the scheme in lower case, empty if there is none: `example.org:80/x` has none."""
    match = _SCHEME.match(text)
    if match is None:
        return ""
    word = match[1].lower()
    is_host = ("." in word or word == "localhost") and _PORT_FOLLOWS.match(text, match.end())
    return "" if is_host else word


def _rejection(rest: str) -> Reject:
    """Return why the text after `https:` is no URL: nothing there, the port, or else the host."""
    userinfo_and_host, port = _split_authority(rest.lstrip("/\\"))
    host = userinfo_and_host.rpartition("@")[2]
    if not host:
        return Reject.NO_HOST
    return Reject.BAD_PORT if port and ada_url.check_url(f"https://{host}/") else Reject.BAD_HOST


def _check(parsed: ada_url.ada_adapter.ParseAttributes, assumed: bool) -> _ParsedUrl | Reject:
    """Return the parts of a URL, or why its host or port cannot be used.

    A host must fit the DNS (RFC 1035, 2.3.4), a port TCP.
    """
    scheme, host = parsed["protocol"][:-1], parsed["hostname"].removesuffix(".")
    if host[:1] != "[" and (len(host) > _MAX_HOST_LENGTH or not _HOST.fullmatch(host)):
        return Reject.BAD_HOST
    port = int(parsed["port"] or _DEFAULT_PORTS[scheme])
    if port == 0:
        return Reject.BAD_PORT
    query = resolve.query_of(parsed["href"], parsed["search"])
    return _ParsedUrl(scheme, host, port, parsed["pathname"] + query, assumed)


def _parse_with_scheme(scheme: str, rest: str, assumed: bool) -> _ParsedUrl | Reject:
    """Parse `rest`, the text after the scheme and its colon, as a browser does."""
    try:
        parsed = ada_url.parse_url(f"{scheme}:{rest}", attributes=_ATTRIBUTES)
    except ValueError:
        return _rejection(rest)
    return _check(parsed, assumed)


def _parse_without_scheme(text: str) -> _ParsedUrl | Reject:
    """Parse a text without a scheme: a host with or without port and path, or no URL."""
    host = _split_authority(text)[0]
    if "@" in host:
        return Reject.NOT_HTTP  # a mail address
    if not _looks_like_host(host):
        return Reject.BAD_HOST if " " in host else Reject.NO_HOST
    return _parse_with_scheme("https", f"//{text}", True)


def _cleaned(url: str | None) -> str:
    """Return a text without the white space that is skipped around it and in it."""
    return (url or "").strip(_STRIPPED).translate(_REMOVED)


def _parse(url: str | None) -> _ParsedUrl | Reject:
    """Parse any text; https is assumed where no scheme is written."""
    text = _cleaned(url)
    if not text:
        return Reject.EMPTY
    if len(text) > MAX_URL_LENGTH:
        return Reject.TOO_LONG
    text = _LONE_SURROGATE.sub("\ufffd", text)
    scheme = _scheme_of(text)
    if scheme in _DEFAULT_PORTS:
        return _parse_with_scheme(scheme, text[len(scheme) + 1 :], False)
    if scheme:
        return Reject.NOT_HTTP
    if text.startswith(("//", "\\\\")):
        return _parse_with_scheme("https", text, True)
    return _parse_without_scheme(text)


def make_origin(
    scheme: str, host: str, port: int | None = None, *, assumed: bool = False
) -> Origin:
    """Return the origin of parts that `origin_of` returned before, or that a standard names.

    Without a port, it is the default port of the scheme.
    """
    port = _DEFAULT_PORTS[scheme] if port is None else port
    return Origin(scheme=scheme, host=host, port=port, site=site_of(host), assumed=assumed)


def origin_of(url: str | None) -> Origin | Reject:
    """Return the origin that a text names, or why it names none. Never raise.

    Words without a dot and single numbers are `no_host`, words with spaces `bad_host`, mail
    addresses `not_http`. The length counts after white space around the text is removed.
    """
    parsed = _parse(url)
    if isinstance(parsed, Reject):
        return parsed
    return make_origin(parsed.scheme, parsed.host, parsed.port, assumed=parsed.assumed)


def page_of(url: str | None) -> tuple[Origin, str] | Reject:
    """Return the origin of a text, and path and query as the planner requests them; else why not.

    What is longer than `MAX_URL_LENGTH` once it is percent-encoded is `too_long`.
    """
    parsed = _parse(url)
    if isinstance(parsed, Reject):
        return parsed
    origin = make_origin(parsed.scheme, parsed.host, parsed.port, assumed=parsed.assumed)
    page = resolve.join(origin.url, f"{origin.url}{parsed.path}")
    if page is None or len(page) > MAX_URL_LENGTH:
        return Reject.TOO_LONG
    return origin, resolve.path_and_query(page)


def names_whole_origin(url: str | None) -> bool:
    """Return whether a text names an origin and no page of it: a host, with a port or without.

    Entries of domain lists are such texts. With a scheme, a slash, a query or a fragment a text
    is a URL, and that of the home page at least (RFC 3986, 3.5: a fragment is of a document).
    """
    if _END_OF_AUTHORITY.search(_cleaned(url)):
        return False
    parsed = _parse(url)
    return not isinstance(parsed, Reject) and parsed.assumed


def origin_key(origin: Origin) -> str:
    """Return the key by which rows of a dataset and origins are joined.

    It is the host, with the port where that is not the scheme's default. So `http://h` and
    `https://h` have one key, and so has `h:8080` under both schemes
    (docs/explanation/decisions/0004).
    """
    default = origin.port == _DEFAULT_PORTS[origin.scheme]
    return origin.host if default else f"{origin.host}:{origin.port}"


def path_of(url: str | None) -> str:
    """Return path and query as they are requested: without fragment, dot segments resolved.

    An empty query is kept: it is another URL than one without a query (RFC 3986, 6.2.3).
    Return `/` for a text that names no origin.
    """
    parsed = _parse(url)
    return "/" if isinstance(parsed, Reject) else parsed.path


def page_url(url: str | None) -> str:
    """Return the absolute URL to request: without user information and fragment.

    Return an empty string for a text that names no origin, and where percent-encoding makes the
    URL longer than `MAX_URL_LENGTH`.
    """
    parsed = _parse(url)
    if isinstance(parsed, Reject):
        return ""
    explicit = "" if parsed.port == _DEFAULT_PORTS[parsed.scheme] else f":{parsed.port}"
    page = f"{parsed.scheme}://{parsed.host}{explicit}{parsed.path}"
    return page if len(page) <= MAX_URL_LENGTH else ""


@cache
def _extractor() -> "tldextract.TLDExtract":
    import tldextract

    # Without URLs and without a cache directory the list in the package is the only one left:
    # no request is made, and the same version gives the same sites everywhere.
    return tldextract.TLDExtract(
        suffix_list_urls=(),
        cache_dir=None,
        include_psl_private_domains=True,
        fallback_to_snapshot=True,
    )


@lru_cache(maxsize=65536)
def site_of(host: str) -> str:
    """Return the registrable domain of a host; private suffixes count as public suffixes.

    An address, or a name without a registrable domain, is a site by itself.
    """
    return _extractor()(host).top_domain_under_public_suffix or host


def domain_of(site: str) -> str:
    """Return the registrable domain of a site; only suffixes of ICANN count as public suffixes."""
    parts = _extractor()(site, include_psl_private_domains=False)
    return parts.top_domain_under_public_suffix or site


@cache
def suffix_list_version() -> str:
    """Return the version of the public suffix list of `site_of`: release and start of a digest."""
    import tldextract

    snapshot = importlib.resources.files(tldextract).joinpath(".tld_set_snapshot").read_bytes()
    return f"tldextract {tldextract.__version__} {hashlib.sha256(snapshot).hexdigest()[:12]}"
