"""Name the origin, the site and the path behind a piece of text that is meant to be a URL.

URLs are read as browsers read them (WHATWG URL, 4.4). Text without a scheme is taken for a
host by one rule of our own: it must look like a name (a dot in it, or `localhost`) or like an
address, since columns of URLs also hold words, numbers and mail addresses.
"""

import hashlib
import importlib.resources
import re
from collections import defaultdict
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import ada_url

from crawler.model import Origin
from crawler.vocab import Reject

# It brings a client for HTTP, which takes a while; most commands name no new site.
if TYPE_CHECKING:
    import tldextract

#: Longer texts are not asked for: RFC 9110, 4.1 recommends that 8000 octets be supported.
LONGEST = 8192

_DEFAULT_PORTS = {"http": 80, "https": 443}
_WANTED = ("protocol", "hostname", "port", "pathname", "search")
# WHATWG URL, 4.4: C0 controls and spaces around, tabs and line ends anywhere, are removed.
# Cells of tables also carry no-break spaces and byte order marks.
_AROUND = "".join(c for c in map(chr, range(0x3001)) if c <= " " or c.isspace()) + "\ufeff\u200b"
_INSIDE = str.maketrans("", "", "\t\r\n")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_PORT_FOLLOWS = re.compile(r"(?!//)[0-9]*(?:[/?#\\]|\Z)")
_END_OF_AUTHORITY = re.compile(r"[/?#\\]")
_PORT = re.compile(r":([^:\]]*)\Z")
# RFC 1123, 2.1 plus the underscore, which names in use do have.
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}\.?")
_LONGEST_HOST = 253
_LETTERS = re.compile("[a-z]+")


class _ParsedUrl(NamedTuple):
    """What a text names: `port` is always a number, `path` has the query in it."""

    scheme: str
    host: str
    port: int
    path: str
    assumed: bool


def _is_name(host: str) -> bool:
    """Whether the host of a text without a scheme is meant as one: `a.b`, `localhost`, `[::1]`."""
    labels = [label for label in _DOTS.split(host) if label]
    if host.startswith("[") or [label.lower() for label in labels] == ["localhost"]:
        return True
    # `1.5` would be the address 1.0.0.5 to a browser; in a column of texts it is a number.
    return len(labels) > 1 and (not labels[-1].isdigit() or _QUAD.fullmatch(host) is not None)


def _authority(text: str) -> tuple[str, str]:
    """The authority at the start of a text, as (user information and host, port or nothing)."""
    authority = _END_OF_AUTHORITY.split(text, maxsplit=1)[0]
    port = _PORT.search(authority)
    return (authority[: port.start()], port[1]) if port else (authority, "")


def _scheme_of(text: str) -> str:
    """The scheme as written, empty when there is none: `example.org:80/x` has none."""
    match = _SCHEME.match(text)
    if match is None:
        return ""
    word = match[1].lower()
    is_host = ("." in word or word == "localhost") and _PORT_FOLLOWS.match(text, match.end())
    return "" if is_host else word


def _why_not(rest: str) -> Reject:
    """Why text after `https:` could not be read: nothing there, the port, or else the host."""
    named, port = _authority(rest.lstrip("/\\"))
    host = named.rpartition("@")[2]
    if not host:
        return Reject.NO_HOST
    return Reject.BAD_PORT if port and ada_url.check_url(f"https://{host}/") else Reject.BAD_HOST


def _checked(parsed: ada_url.ada_adapter.ParseAttributes, assumed: bool) -> _ParsedUrl | Reject:
    """A parsed URL whose host could be asked for in the DNS (RFC 1035, 2.3.4) and by TCP."""
    scheme, host = parsed["protocol"][:-1], parsed["hostname"].removesuffix(".")
    if host[:1] != "[" and (len(host) > _LONGEST_HOST or not _HOST.fullmatch(host)):
        return Reject.BAD_HOST
    port = int(parsed["port"] or _DEFAULT_PORTS[scheme])
    if port == 0:
        return Reject.BAD_PORT
    return _ParsedUrl(scheme, host, port, parsed["pathname"] + parsed["search"], assumed)


def _parsed(scheme: str, rest: str, assumed: bool) -> _ParsedUrl | Reject:
    """Read `rest`, which follows the scheme and its colon, as a browser does."""
    try:
        parsed = ada_url.parse_url(f"{scheme}:{rest}", attributes=_WANTED)
    except ValueError:
        return _why_not(rest)
    return _checked(parsed, assumed)


def _bare(text: str) -> _ParsedUrl | Reject:
    """Read a text without a scheme: a host, perhaps with port and path, or no origin at all."""
    named = _authority(text)[0]
    if "@" in named:
        return Reject.NOT_HTTP  # a mail address
    if not _is_name(named):
        return Reject.BAD_HOST if " " in named else Reject.NO_HOST
    return _parsed("https", f"//{text}", True)


def _place(url: str | None) -> _ParsedUrl | Reject:
    """Read any text; the scheme is assumed to be https where none is written."""
    text = (url or "").strip(_AROUND).translate(_INSIDE)
    if not text:
        return Reject.EMPTY
    if len(text) > LONGEST:
        return Reject.TOO_LONG
    text = _LONE_SURROGATE.sub("\ufffd", text)
    scheme = _scheme_of(text)
    if scheme in _DEFAULT_PORTS:
        return _parsed(scheme, text[len(scheme) + 1 :], False)
    if scheme:
        return Reject.NOT_HTTP
    if text.startswith(("//", "\\\\")):
        return _parsed("https", text, True)
    return _bare(text)


def origin_at(scheme: str, host: str, port: int | None = None, *, assumed: bool = False) -> Origin:
    """The origin of parts that were named here before; without a port, the scheme's default."""
    port = _DEFAULT_PORTS[scheme] if port is None else port
    return Origin(scheme=scheme, host=host, port=port, site=site_of(host), assumed=assumed)


def origin_of(url: str | None) -> Origin | Reject:
    """The origin that a text names, or why it names none. Never raises.

    Words without a dot and single numbers are `no_host`, words with spaces `bad_host`, mail
    addresses `not_http`. The length counts after white space around the text is removed.
    """
    place = _place(url)
    if isinstance(place, Reject):
        return place
    return origin_at(place.scheme, place.host, place.port, assumed=place.assumed)


def origin_key(origin: Origin) -> str:
    """What rows are joined by: the host, and the port where it is not the scheme's default.

    So `http://h` and `https://h` are one, as are `h:8080` under either scheme.
    """
    default = origin.port == _DEFAULT_PORTS[origin.scheme]
    return origin.host if default else f"{origin.host}:{origin.port}"


def path_of(url: str | None) -> str:
    """Path and query of a text as they are asked for: no fragment, dot segments resolved.

    A text that names no origin has the path `/`.
    """
    place = _place(url)
    return "/" if isinstance(place, Reject) else place.path


def page_url(url: str | None) -> str:
    """The absolute URL to ask for: no user information, no fragment, https where none was said.

    Empty for a text that names no origin, and where percent-encoding makes it too long to ask.
    """
    place = _place(url)
    if isinstance(place, Reject):
        return ""
    explicit = "" if place.port == _DEFAULT_PORTS[place.scheme] else f":{place.port}"
    page = f"{place.scheme}://{place.host}{explicit}{place.path}"
    return page if len(page) <= LONGEST else ""


@cache
def _extract() -> "tldextract.TLDExtract":
    import tldextract

    # Without URLs and without a cache directory the list in the package is the only one left.
    return tldextract.TLDExtract(
        suffix_list_urls=(),
        cache_dir=None,
        include_psl_private_domains=True,
        fallback_to_snapshot=True,
    )


@cache
def _below() -> dict[str, frozenset[str]]:
    """Of each last label of public suffixes, the labels before it that longer suffixes have.

    `*` stands for all: where a longer suffix says so, or the last label alone is no suffix.
    """
    below: defaultdict[str, set[str]] = defaultdict(set)
    suffixes = _extract().tlds
    for suffix in suffixes:
        *before, last = suffix.split(".")
        below[last].update(label.lstrip("!") for label in before[-1:])
    for last in below.keys() - set(suffixes):
        below[last].add("*")
    return {last: frozenset(labels) for last, labels in below.items()}


@lru_cache(maxsize=65536)
def _looked_up(host: str) -> str:
    return _extract()(host).top_domain_under_public_suffix or host


def site_of(host: str) -> str:
    """The registrable domain of a host, private suffixes counted as suffixes.

    Addresses and names without a registrable domain are their own site. Most names end in a suffix
    of one label, and no longer one is like them: these need no walk through the list.
    """
    before, _, last = host.rpartition(".")
    if not _LETTERS.fullmatch(last):
        return _looked_up(host)
    known = _below().get(last)
    if known is None:
        return host
    name = before.rpartition(".")[2]
    if not name or name in known or "*" in known or name.startswith("xn--"):
        return _looked_up(host)
    return f"{name}.{last}"


@cache
def suffix_list_version() -> str:
    """Which list of public suffixes stands behind `site_of`: release and start of its digest."""
    import tldextract

    snapshot = importlib.resources.files(tldextract).joinpath(".tld_set_snapshot").read_bytes()
    return f"tldextract {tldextract.__version__} {hashlib.sha256(snapshot).hexdigest()[:12]}"
