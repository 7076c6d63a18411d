"""Demo sites with directives, AIPREF, Content Signals, RSL licences and trust.txt."""

from types import MappingProxyType

from crawler.demo.answers import Answer, Headers, html, status, text
from crawler.demo.site import (
    SILENT,
    UNKNOWN,
    Site,
    States,
    lines,
    one_page_site,
    only,
    site,
    training,
)
from crawler.vocab import Purpose, State

_TRAINING = frozenset({Purpose.AI_TRAIN, Purpose.GENAI_TRAIN})
_PARTIAL = training(State.PARTIAL)
_RESERVED = training(State.RESERVED)
_PERMITTED = only(Purpose.AI_TRAIN, State.PERMITTED)
_GENERATIVE = only(Purpose.GENAI_TRAIN, State.RESERVED)
_PREAMBLE = (
    "# ANY RESTRICTIONS EXPRESSED VIA CONTENT SIGNALS ARE EXPRESS RESERVATIONS OF RIGHTS UNDER",
    "# ARTICLE 4 OF THE EUROPEAN UNION DIRECTIVE 2019/790 ON COPYRIGHT AND RELATED RIGHTS IN",
    "# THE DIGITAL SINGLE MARKET.",
)
_RSL = "https://rslstandard.org/rsl"


def _robots_header(*values: str) -> Headers:
    return tuple(("X-Robots-Tag", value) for value in values)


_HOLDER = (
    '    <copyright type="organization" contactEmail="licensing@rights-collective.example" '
    'contactUrl="http://licensing.rights-collective.example/licences">'
    "Example Licensing Society</copyright>\n"
)


def _licence(usage: str, holder: str = _HOLDER) -> Answer:
    return text(
        f'<rsl xmlns="{_RSL}">\n  <content url="/">\n    <license>\n      {usage}\n'
        f"    </license>\n{holder}  </content>\n</rsl>\n",
        "application/rsl+xml",
    )


def _licensed(host: str, about: str, expect: States, licence: Answer, complete: bool) -> Site:
    """Return a site whose robots.txt names a licence on the same host."""
    url = f"http://{host}.demo.test/license.xml"
    return site(
        f"{host}.demo.test",
        about,
        expect,
        robots=lines(f"License: {url}", "", "User-agent: *", "Disallow:"),
        more=MappingProxyType({"/license.xml": licence}),
        complete=complete,
    )


_DIRECTIVES = (
    one_page_site(
        "noai-header",
        "The header of every page says noai (X02).",
        _PARTIAL,
        html(headers=_robots_header("NoAI")),
        _RESERVED,
    ),
    one_page_site(
        "noai-after-a-date",
        "A directive with colons and commas stands before it (X08).",
        _PARTIAL,
        html(headers=_robots_header("unavailable_after: 25 Jun 2030 15:00:00 PST, noai")),
        _RESERVED,
    ),
    one_page_site(
        "noai-meta",
        "A meta element of every page says it (X15).",
        _PARTIAL,
        html(in_head='<meta name="robots" content="NOAI">\n'),
        _RESERVED,
    ),
    one_page_site(
        "noindex",
        "Search is controlled, and nothing is said about mining (X03).",
        SILENT,
        html(headers=_robots_header("noindex")),
        SILENT,
    ),
)

_PREFERENCES = (
    site(
        "aipref-robots.demo.test",
        "A usage preference in robots.txt (P01).",
        _GENERATIVE,
        robots=lines("User-agent: *", "Content-Usage: train-ai=n", "Allow: /"),
    ),
    one_page_site(
        "aipref-header",
        "A usage preference in the header of every page (P02).",
        MappingProxyType(
            {**SILENT, Purpose.GENAI_TRAIN: State.PARTIAL, Purpose.SEARCH: State.SILENT}
        ),
        html(headers=(("Content-Usage", "train-ai=n, search=y"),)),
        MappingProxyType(
            {**SILENT, Purpose.GENAI_TRAIN: State.RESERVED, Purpose.SEARCH: State.PERMITTED}
        ),
    ),
    site(
        "aipref-malformed.demo.test",
        "A preference that is no structured field (P03).",
        SILENT,
        robots=lines("User-agent: *", "Content-Usage: train-ai = n", "Allow: /"),
        malformed=frozenset({Purpose.GENAI_TRAIN}),
    ),
    site(
        "ai-control.demo.test",
        "A rule of an expired draft (E01).",
        _GENERATIVE,
        robots=lines("User-agent: *", "DisallowAITraining: /", "Allow: /x"),
    ),
)

_SIGNALS = (
    site(
        "content-signal.demo.test",
        "Signals with the sentence that names Art. 4 (C01).",
        MappingProxyType({**_RESERVED, Purpose.SEARCH: State.PERMITTED}),
        robots=lines(
            *_PREAMBLE, "User-agent: *", "Content-Signal: search=yes, ai-train=no", "Allow: /"
        ),
    ),
    site(
        "content-signal-preamble.demo.test",
        "The sentence alone, without a signal (C03).",
        SILENT,
        robots=lines(*_PREAMBLE, "User-agent: *", "Allow: /"),
    ),
    site(
        "content-signal-twice.demo.test",
        "Two groups for everybody disagree (C09).",
        _RESERVED,
        robots=lines(
            "User-agent: *",
            "Content-Signal: ai-train=no",
            "Allow: /",
            "",
            "User-agent: *",
            "Content-Signal: ai-train=yes",
            "Disallow: /private/",
        ),
        conflict=_TRAINING,
    ),
)

_FILES = (
    _licensed(
        "rsl",
        "A licence that prohibits every use by AI (L01).",
        MappingProxyType({**_RESERVED, Purpose.AI_INPUT: State.RESERVED}),
        _licence('<prohibits type="usage">ai-all</prohibits>'),
        complete=True,
    ),
    _licensed(
        "rsl-unreachable",
        "A licence that is named and cannot be fetched: its content is unknown (L07).",
        UNKNOWN,
        status(503),
        complete=False,
    ),
    site(
        "rsl-for-agents.demo.test",
        "A licence named in the group of one agent: it says nothing to the others.",
        MappingProxyType({**_PARTIAL, Purpose.AI_INPUT: State.PARTIAL}),
        robots=lines(
            "User-agent: CCBot",
            "License: http://rsl-for-agents.demo.test/ccbot.xml",
            "Disallow:",
            "",
            "User-agent: *",
            "Disallow:",
        ),
        more=MappingProxyType(
            {"/ccbot.xml": _licence('<prohibits type="usage">ai-all</prohibits>', holder="")}
        ),
    ),
    site(
        "trust-txt.demo.test",
        "A trust file that refuses training (J01).",
        _RESERVED,
        more=MappingProxyType({"/.well-known/trust.txt": lines("datatrainingallowed=no")}),
    ),
    site(
        "trust-txt-root.demo.test",
        "A trust file at the older place that allows it (J03, J05).",
        _PERMITTED,
        more=MappingProxyType({"/trust.txt": lines("# JournalList", "datatrainingallowed=yes")}),
    ),
)

SIGNAL_SITES: tuple[Site, ...] = (*_DIRECTIVES, *_PREFERENCES, *_SIGNALS, *_FILES)
