"""Demo sites whose findings claim something of everybody, of malformed files or of any response.

What old evidence may still show needs several crawls: see tests/store/test_age.py.
"""

from collections.abc import Mapping
from types import MappingProxyType

from crawler.demo.answers import Headers, RedirectsTo, json_text, status
from crawler.demo.site import (
    MINING,
    REFUSED,
    RESERVED,
    SILENT,
    Site,
    States,
    except_for,
    lines,
    mining,
    only,
    site,
    training,
)
from crawler.demo.sites_tdmrep import RESERVE_ALL
from crawler.vocab import Purpose, State

_GENERATIVE = only(Purpose.GENAI_TRAIN, State.RESERVED)
_TRAINING = (Purpose.AI_TRAIN, Purpose.GENAI_TRAIN)
_TARGET = "http://cdn.demo.test"
_NO_MINING: Headers = (("tdm-reservation", "1"),)


def _agents(*agents: str) -> Mapping[Purpose, tuple[str, ...]]:
    return except_for(*agents, purposes=Purpose)


_EVERYBODY = (
    site(
        "named-let-in.demo.test",
        "All robots are refused, and two that gather training data are let in (RFC 9309, 2.2.1).",
        REFUSED,
        robots=lines(
            *("User-agent: GPTBot", "User-agent: CCBot", "Allow: /", ""),
            *("User-agent: *", "Disallow: /"),
        ),
        exceptions=_agents("GPTBot", "CCBot"),
        complete=False,
    ),
    site(
        "search-let-in.demo.test",
        "All robots are refused, and two search engines are let in.",
        REFUSED,
        robots=lines(
            *("User-agent: *", "Disallow: /", ""),
            *("User-agent: Googlebot", "Disallow:", "", "User-agent: bingbot", "Allow: /"),
        ),
        exceptions=_agents("Googlebot", "bingbot"),
        complete=False,
    ),
    site(
        "aipref-exception.demo.test",
        "A preference for everybody, and the opposite for one agent, as the draft shows it.",
        _GENERATIVE,
        robots=lines(
            *("User-agent: *", "Content-Usage: train-ai=n", "Allow: /", ""),
            *("User-agent: ExampleBot", "Content-Usage: train-ai=y", "Allow: /"),
        ),
        exceptions=except_for("ExampleBot", purposes=[Purpose.GENAI_TRAIN]),
        conflict=frozenset({Purpose.GENAI_TRAIN}),
    ),
    site(
        "signal-exception.demo.test",
        "A signal for everybody, and a group of one agent without the line.",
        training(State.RESERVED),
        robots=lines(
            *("User-agent: *", "Content-Signal: ai-train=no", "Allow: /", ""),
            *("User-agent: CCBot", "Allow: /"),
        ),
        exceptions=except_for("CCBot", purposes=_TRAINING),
    ),
)


def _malformed(name: str, about: str, body: str) -> Site:
    return site(
        f"malformed-{name}.demo.test",
        about,
        SILENT,
        tdmrep=json_text(body),
        malformed=frozenset(MINING),
    )


_MALFORMED = (
    _malformed(
        "and-string",
        "An object, not an array, and a string, not a number: one reservation that is meant.",
        '{"location": "/", "tdm-reservation": "1"}',
    ),
    site(
        "malformed-in-part.demo.test",
        "One of two rules is malformed: a part is reserved, and more was meant.",
        mining(State.PARTIAL),
        tdmrep=json_text(
            '[{"location": "/a/", "tdm-reservation": 1}, {"location": "/", "tdm-reservation": "1"}]'
        ),
        malformed=frozenset(MINING),
    ),
)


def _every_page(name: str, about: str, answer: RedirectsTo, own: States, expect: States) -> Site:
    """Return a site whose pages are answered in one way; `own` is the finding for each."""
    return site(
        f"{name}.demo.test",
        about,
        expect,
        home=answer,
        articles=answer,
        urls=MappingProxyType({"/": own}),
    )


_EVERY_RESPONSE = (
    site("cdn.demo.test", "A host that others redirect to, and that reserves nothing.", SILENT),
    _every_page(
        "redirect-reserves",
        "Each page redirects to another host, and the redirect itself reserves (T30).",
        RedirectsTo(f"{_TARGET}/articles/1.html", headers=_NO_MINING),
        RESERVED,
        mining(State.PARTIAL),
    ),
    _every_page(
        "redirect-noai",
        "Each page redirects to another host, and the redirect says noai.",
        RedirectsTo(f"{_TARGET}/articles/1.html", 301, (("X-Robots-Tag", "noai"),)),
        training(State.RESERVED),
        training(State.PARTIAL),
    ),
    site(
        "forbidden-reserves.demo.test",
        "The home page is forbidden, and the answer that says so reserves.",
        mining(State.PARTIAL, State.UNKNOWN),
        home=status(403, *_NO_MINING),
        complete=False,
        urls={"/": mining(State.RESERVED, State.UNKNOWN)},
    ),
)

#: robots.txt withholds tdmrep.json by a pattern that is meant for other files.
PATTERN_SITES = tuple(
    site(
        f"pattern-{name}.demo.test",
        "A pattern for other files matches tdmrep.json, which is read all the same.",
        RESERVED,
        robots=lines("User-agent: *", f"Disallow: {pattern}"),
        tdmrep=RESERVE_ALL,
    )
    for name, pattern in (("json", "/*.json$"), ("js", "/*.js"))
)

CLAIM_SITES: tuple[Site, ...] = (*_EVERYBODY, *_MALFORMED, *_EVERY_RESPONSE, *PATTERN_SITES)
