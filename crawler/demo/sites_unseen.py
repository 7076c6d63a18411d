"""Demo sites whose robots.txt, policy or pages cannot be read, or only after redirects."""

import itertools

from crawler.demo.answers import OldHttp, RedirectLoop, RedirectsTo, html, status
from crawler.demo.misbehaviour import (
    BadStatusLine,
    BreaksChunking,
    DropsConnection,
    EndlessBody,
    EndlessHeaders,
    GzipBomb,
    NeverAnswers,
    ResetsHalfway,
    SendsSlowly,
    StopsHalfway,
)
from crawler.demo.site import AGENTS, PAGE, RESERVED, SILENT, UNKNOWN, Site, mining, site
from crawler.demo.sites_robots import GPTBOT_REFUSED
from crawler.demo.sites_tdmrep import RESERVE_ALL, ZERO
from crawler.vocab import State

SHARED = "http://shared-policy.demo.test"
_RESERVED_REST_UNKNOWN = mining(State.RESERVED, State.UNKNOWN)


def _hops(count: int, last: str) -> dict[str, RedirectsTo]:
    """Return `count` redirects by path, from /robots.txt to the URL `last`."""
    urls = ["/robots.txt", *(f"/hop/{n}" for n in range(1, count)), last]
    return {path: RedirectsTo(target, 301) for path, target in itertools.pairwise(urls)}


_ROBOTS = (
    *(
        site(
            f"robots-{code}.demo.test",
            f"robots.txt is answered with {code}: unseen, which is never 'no rules'.",
            UNKNOWN,
            robots=status(code, *extra),
            complete=False,
        )
        for code, extra in (
            (401, (("WWW-Authenticate", "Basic"),)),
            (403, ()),
            (429, (("Retry-After", "3600"),)),
            (503, ()),
        )
    ),
    site(
        "robots-403-reserved.demo.test",
        "robots.txt is forbidden, tdmrep.json is not and reserves: what was seen counts.",
        _RESERVED_REST_UNKNOWN,
        robots=status(403),
        tdmrep=RESERVE_ALL,
        complete=False,
    ),
    site(
        "robots-dropped.demo.test",
        "The connection for robots.txt is closed without a byte (R43).",
        UNKNOWN,
        robots=DropsConnection(),
        complete=False,
    ),
    site(
        "robots-silent.demo.test",
        "The request for robots.txt is accepted and never answered (R43).",
        UNKNOWN,
        robots=NeverAnswers(),
        complete=False,
    ),
    site(
        "robots-half.demo.test",
        "robots.txt stops in the middle of its announced length: half a file is no file.",
        UNKNOWN,
        robots=StopsHalfway(GPTBOT_REFUSED.body * 20),
        complete=False,
    ),
    site(
        "shared-policy.demo.test",
        "A host whose files others redirect to.",
        AGENTS,
        robots=GPTBOT_REFUSED,
        more={"/policies/tdmrep.json": RESERVE_ALL},
    ),
    site(
        "robots-elsewhere.demo.test",
        "robots.txt redirects to another host: the rules belong to the one that was asked (R44).",
        AGENTS,
        robots=RedirectsTo(f"{SHARED}/robots.txt"),
    ),
    site(
        "robots-internal.demo.test",
        "robots.txt redirects to an internal address: refused, not followed.",
        UNKNOWN,
        robots=RedirectsTo("http://127.0.0.2/"),
        complete=False,
    ),
    site(
        "robots-loop.demo.test",
        "robots.txt redirects to itself.",
        UNKNOWN,
        robots=RedirectLoop(),
        complete=False,
    ),
    site(
        "five-hops.demo.test",
        "robots.txt is reached after exactly five redirects (R44).",
        AGENTS,
        more=_hops(5, f"{SHARED}/robots.txt"),
    ),
    site(
        "six-hops.demo.test",
        "robots.txt would be reached after six redirects, one more than are followed (R44).",
        UNKNOWN,
        more=_hops(6, f"{SHARED}/robots.txt"),
        complete=False,
    ),
)

_POLICIES = (
    site(
        "tdmrep-503.demo.test",
        "tdmrep.json is unavailable: unknown, though its own text would say none (T13).",
        UNKNOWN,
        tdmrep=status(503),
        complete=False,
    ),
    site(
        "tdmrep-elsewhere.demo.test",
        "tdmrep.json redirects to another host, as the protocol allows.",
        RESERVED,
        tdmrep=RedirectsTo(f"{SHARED}/policies/tdmrep.json"),
    ),
    site(
        "tdmrep-closed.demo.test",
        "tdmrep.json redirects to a host that refuses all robots.",
        UNKNOWN,
        tdmrep=RedirectsTo("http://star-refused.demo.test/policies/tdmrep.json"),
        complete=False,
    ),
    site(
        "tdmrep-internal.demo.test",
        "tdmrep.json redirects to a metadata address: refused, not followed.",
        UNKNOWN,
        tdmrep=RedirectsTo("http://169.254.169.254/latest/meta-data/"),
        complete=False,
    ),
    site(
        "tdmrep-chunks.demo.test",
        "tdmrep.json breaks off in a chunk size that is no number.",
        UNKNOWN,
        tdmrep=BreaksChunking(RESERVE_ALL.body),
        complete=False,
    ),
    site(
        "tdmrep-http-1-0.demo.test",
        "tdmrep.json comes by HTTP/1.0 without a length, which is no error.",
        RESERVED,
        tdmrep=OldHttp(headers=RESERVE_ALL.headers, body=RESERVE_ALL.body),
    ),
    site(
        "ai-txt-503.demo.test",
        "ai.txt is unavailable.",
        UNKNOWN,
        ai_txt=status(503),
        complete=False,
    ),
    site(
        "ai-txt-reset.demo.test",
        "The connection is reset in the middle of ai.txt.",
        UNKNOWN,
        ai_txt=ResetsHalfway(b"User-Agent: *\nAllow: /\n" * 20),
        complete=False,
    ),
)

_PAGES = (
    Site(
        host="soft-404.demo.test",
        about="Every path is answered with 200 and one page: no file is there (R34, T14, A10).",
        expect=SILENT,
        pages={},
        otherwise=html(in_body="<p>Sorry, we looked everywhere.</p>\n"),
    ),
    site(
        "pages-404.demo.test",
        "The pages of the dataset are gone: a page that is not there was seen not to be there.",
        SILENT,
        articles=status(404),
        images=status(404),
        files=status(404),
    ),
    site(
        "pages-500.demo.test",
        "The pages of the dataset fail: what their headers would have said is unknown.",
        UNKNOWN,
        articles=status(500),
        images=status(500),
        files=status(500),
        complete=False,
    ),
    site(
        "permitted-but-blind.demo.test",
        "Mining is permitted, and the home page that might say otherwise fails.",
        UNKNOWN,
        tdmrep=ZERO,
        home=status(500),
        complete=False,
    ),
    site(
        "reserved-but-blind.demo.test",
        "Mining is reserved, and the home page fails: unseen parts cannot take that back.",
        _RESERVED_REST_UNKNOWN,
        tdmrep=RESERVE_ALL,
        home=status(500),
        complete=False,
    ),
    site(
        "home-403.demo.test",
        "A wall against robots stands before the home page only.",
        UNKNOWN,
        home=status(403),
        complete=False,
    ),
    site(
        "gzip-bomb.demo.test",
        "A small page inflates to 50 MiB; its head is read.",
        SILENT,
        home=GzipBomb(),
        complete=None,
    ),
    site(
        "endless-page.demo.test",
        "A page never ends; its head is read.",
        SILENT,
        home=EndlessBody(),
        complete=None,
    ),
    site(
        "slow-page.demo.test",
        "A page comes a byte at a time.",
        UNKNOWN,
        home=SendsSlowly(PAGE.body),
        complete=False,
    ),
    site(
        "endless-headers.demo.test",
        "A page whose headers never end.",
        UNKNOWN,
        home=EndlessHeaders(),
        complete=False,
    ),
    site(
        "not-http.demo.test",
        "A page that is answered in another protocol.",
        UNKNOWN,
        home=BadStatusLine(),
        complete=False,
    ),
    site(
        "home-loop.demo.test",
        "A home page that redirects to itself.",
        UNKNOWN,
        home=RedirectLoop(),
        complete=False,
    ),
    site(
        "home-internal.demo.test",
        "A home page that redirects to an internal address.",
        UNKNOWN,
        home=RedirectsTo("http://127.0.0.2/admin"),
        complete=False,
    ),
)

UNSEEN_SITES = (*_ROBOTS, *_POLICIES, *_PAGES)
