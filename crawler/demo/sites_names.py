"""Demo sites with unusual spellings of hosts, and hosts that belong to one site."""

from dataclasses import replace

from crawler.demo.answers import RedirectsTo
from crawler.demo.site import AGENTS, RESERVED, SILENT, Site, site
from crawler.demo.sites_robots import GPTBOT_REFUSED
from crawler.demo.sites_tdmrep import PERMITTED, RESERVE_ALL, ZERO

_WWW = "http://www.example.org"

NAMES_SITES: tuple[Site, ...] = (
    replace(
        site(
            "bare-host.demo.test",
            "Rows without a scheme: https is tried first, and nothing speaks it.",
            RESERVED,
            tdmrep=RESERVE_ALL,
            complete=None,
        ),
        written="bare-host.demo.test",
    ),
    replace(
        site(
            "port.demo.test",
            "An origin with a port of its own (RFC 6454, 4).",
            RESERVED,
            tdmrep=RESERVE_ALL,
        ),
        port=8080,
    ),
    replace(
        site(
            "xn--bcher-kva.demo.test",
            "An internationalised host, written in Unicode (RFC 5891).",
            RESERVED,
            tdmrep=RESERVE_ALL,
        ),
        written="http://bücher.demo.test",
    ),
    replace(
        site(
            "upper-case.demo.test",
            "Scheme and host in upper case are the same origin (RFC 3986, 6.2.2.1).",
            RESERVED,
            tdmrep=RESERVE_ALL,
        ),
        written="HTTP://UPPER-CASE.Demo.TEST",
    ),
    site(
        "a.github.io",
        "A customer of a host for many: a site of its own, which refuses a training agent.",
        AGENTS,
        robots=GPTBOT_REFUSED,
    ),
    site(
        "b.github.io",
        "Another customer of the same host, that has said nothing.",
        SILENT,
    ),
    site(
        "www.example.com",
        "One of two hosts of one site, that reserves.",
        RESERVED,
        tdmrep=RESERVE_ALL,
    ),
    site(
        "media.example.com",
        "The other host of that site, that permits: an origin speaks for itself only.",
        PERMITTED,
        tdmrep=ZERO,
    ),
    site(
        "www.example.org",
        "The host that an apex redirects to.",
        RESERVED,
        tdmrep=RESERVE_ALL,
    ),
    site(
        "example.org",
        "An apex that redirects every file to its `www`: what is found there was asked here.",
        RESERVED,
        robots=RedirectsTo(f"{_WWW}/robots.txt", 301),
        ai_txt=RedirectsTo(f"{_WWW}/ai.txt", 301),
        tdmrep=RedirectsTo(f"{_WWW}/.well-known/tdmrep.json", 301),
        home=RedirectsTo(f"{_WWW}/", 301),
    ),
    site(
        "a.example",
        "A host that is its whole site.",
        SILENT,
    ),
)
