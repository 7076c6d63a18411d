"""Demo sites with TDMRep in response headers and in `meta` elements."""

from dataclasses import replace

from crawler.demo.answers import Headers, Plain, html
from crawler.demo.site import JPEG, MINING, PAGE, PDF, RESERVED, SILENT, mining, one_page_site, site
from crawler.demo.sites_tdmrep import PARTIAL, PERMITTED, RESERVE_ALL
from crawler.vocab import State

_ONE = '<meta name="tdm-reservation" content="1">\n'
_ZERO = '<meta name="tdm-reservation" content="0">\n'


def _header(*values: str) -> Headers:
    return tuple(("TDM-Reservation", value) for value in values)


def _with_header(answer: Plain) -> Plain:
    return replace(answer, headers=(*answer.headers, *_header("1")))


_POLICY = (("TDM-Policy", "http://licensing.rights-collective.example/licences"),)

_HEADERS = (
    site(
        "header.demo.test",
        "Every page and file carries the header, and there is no file for the site (T19).",
        PARTIAL,
        home=html(headers=_header(" 1 ")),
        articles=_with_header(PAGE),
        images=_with_header(JPEG),
        files=_with_header(PDF),
        urls={"/": RESERVED},
    ),
    one_page_site(
        "header-policy",
        "The header of every page names a policy.",
        PARTIAL,
        html(headers=(*_header("1"), *_POLICY)),
        mining(State.CONDITIONAL),
    ),
    one_page_site(
        "header-twice",
        "The header is repeated, so that its value is `1, 1` (T20).",
        SILENT,
        html(headers=_header("1", "1")),
        SILENT,
        MINING,
    ),
    one_page_site(
        "header-policy-only",
        "A policy without a reservation reserves nothing (T22).",
        SILENT,
        html(headers=_POLICY),
        SILENT,
    ),
)

_META = (
    one_page_site(
        "meta", "A `meta` element reserves the page (T21).", PARTIAL, html(in_head=_ONE), RESERVED
    ),
    one_page_site(
        "meta-zero",
        "A `meta` element permits the page: the signal is there and says no.",
        SILENT,
        html(in_head=_ZERO),
        PERMITTED,
    ),
    one_page_site(
        "meta-odd",
        "Upper case, no quotes, attributes reversed (T28).",
        PARTIAL,
        html(in_head="<META CONTENT=1 NAME=TDM-Reservation>\n"),
        RESERVED,
    ),
    one_page_site(
        "meta-comment",
        "A `meta` element in a comment is not there (T29).",
        SILENT,
        html(in_head=f"<!-- {_ONE} -->"),
        SILENT,
    ),
    one_page_site(
        "meta-body",
        "A `meta` element in the body is not where it is defined (T29).",
        SILENT,
        html(in_body=_ONE),
        SILENT,
        MINING,
    ),
)

_OVERRIDES = (
    one_page_site(
        "header-zero-meta-one",
        "The header permits, the page reserves: nearest to the content decides (TDMRep, 4.4).",
        PARTIAL,
        html(in_head=_ONE, headers=_header("0")),
        RESERVED,
    ),
    site(
        "header-yes.demo.test",
        "The file reserves, a header says `yes`: invalid is unset and resets nothing (T18).",
        RESERVED,
        tdmrep=RESERVE_ALL,
        home=html(headers=_header("yes")),
        urls={"/": RESERVED},
    ),
    site(
        "one-open-page.demo.test",
        "The file reserves everything, the header of the home page takes it back there (T16).",
        PARTIAL,
        tdmrep=RESERVE_ALL,
        home=html(headers=_header("0")),
        urls={"/": PERMITTED, "/articles/1.html": RESERVED},
    ),
)

PAGE_SITES = (*_HEADERS, *_META, *_OVERRIDES)
