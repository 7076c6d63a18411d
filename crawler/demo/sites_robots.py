"""Demo sites with robots.txt (RFC 9309): groups, product tokens, and malformed files."""

from crawler.demo.answers import NOT_FOUND, html, text
from crawler.demo.misbehaviour import EndlessBody
from crawler.demo.site import AGENTS, REFUSED, SILENT, UNKNOWN, Site, except_for, lines, only, site
from crawler.demo.sites_tdmrep import RESERVE_ALL
from crawler.vocab import Purpose, State

GPTBOT_REFUSED = lines("User-agent: GPTBot", "Disallow: /")
ALL_REFUSED = lines("User-agent: *", "Disallow: /")
_SEARCH = only(Purpose.SEARCH, State.PARTIAL)
_LINE = "# these lines are here to make the file long, and say nothing to anybody\n"

_GROUPS = (
    Site(
        host="all-404.demo.test",
        about="Nothing is there, not even a home page: absent is not unseen (RFC 9309, 2.3.1.3).",
        expect=SILENT,
        pages={"/": NOT_FOUND},
    ),
    site(
        "gptbot.demo.test",
        "One training agent is refused: a statement about training, by agent (R01).",
        AGENTS,
        robots=GPTBOT_REFUSED,
    ),
    site(
        "gptbot-private.demo.test",
        "One training agent is refused one directory, not the site.",
        AGENTS,
        robots=lines("User-agent: GPTBot", "Disallow: /private/"),
        urls={"/private/1.html": AGENTS, "/articles/1.html": SILENT},
    ),
    site(
        "star-refused.demo.test",
        "All robots are refused: access, not mining; nothing else is asked (R02).",
        REFUSED,
        robots=ALL_REFUSED,
        complete=False,
    ),
    site(
        "star-pattern.demo.test",
        "All robots are refused by a pattern that matches every path.",
        REFUSED,
        robots=lines("User-agent: *", "Disallow: /*"),
        complete=False,
    ),
    site(
        "agent-overrides-star.demo.test",
        "All robots but one are refused: its own group overrides `*` (R03).",
        REFUSED,
        robots=lines("User-agent: *", "Disallow: /", "", "User-agent: GPTBot", "Allow: /"),
        exceptions=except_for("GPTBot", purposes=Purpose),
        complete=False,
    ),
    site(
        "star-and-gptbot.demo.test",
        "All robots are refused, and a training agent once more by name.",
        only(Purpose.GENAI_TRAIN, State.PARTIAL, State.REFUSED),
        robots=lines("User-agent: *", "Disallow: /", "", "User-agent: GPTBot", "Disallow: /"),
        complete=False,
    ),
    site(
        "own-token-refused.demo.test",
        "This very client is refused: what it may not read stays unknown.",
        UNKNOWN,
        robots=lines("User-agent: tdm-audit", "Disallow: /"),
        tdmrep=RESERVE_ALL,
        complete=False,
    ),
    site(
        "own-token-allowed.demo.test",
        "All robots but this client are refused, so it can read that mining is reserved.",
        dict.fromkeys((Purpose.TDM, Purpose.AI_TRAIN, Purpose.GENAI_TRAIN), State.RESERVED)
        | dict.fromkeys((Purpose.AI_INPUT, Purpose.SEARCH), State.REFUSED),
        robots=lines("User-agent: *", "Disallow: /", "", "User-agent: tdm-audit", "Allow: /"),
        exceptions=except_for("tdm-audit", purposes=(Purpose.AI_INPUT, Purpose.SEARCH)),
        tdmrep=RESERVE_ALL,
    ),
    site(
        "well-known-withheld.demo.test",
        "The directory that holds tdmrep.json is refused to everybody: a visible gap.",
        UNKNOWN,
        robots=lines("User-agent: *", "Disallow: /.well-known/"),
        tdmrep=RESERVE_ALL,
        complete=False,
    ),
    site(
        "stacked.demo.test",
        "Several agents share the rules of one group, after a group for `*` (R06).",
        AGENTS,
        robots=lines(
            "User-agent: *",
            "Disallow: /admin/",
            "",
            "User-agent: GPTBot",
            "User-agent: ExampleBot",
            "",
            "Disallow: /",
        ),
    ),
    site(
        "split-groups.demo.test",
        "Two groups of one agent are combined into one (R05).",
        AGENTS,
        robots=lines(
            *("User-agent: GPTBot", "Disallow: /a/", ""),
            *("User-agent: ExampleBot", "Disallow: /z/", ""),
            *("User-agent: GPTBot", "Disallow: /b/"),
        ),
        urls={"/b/1.html": AGENTS, "/c/1.html": SILENT},
    ),
    *(
        site(
            f"{name}-between.demo.test",
            f"A {name} line between agents does not end the group ({vector}).",
            AGENTS,
            robots=lines("User-agent: GPTBot", line, "User-agent: ExampleBot", "Disallow: /"),
        )
        for name, vector, line in (
            ("sitemap", "R07", "Sitemap: http://sitemap-between.demo.test/sitemap.xml"),
            ("content-signal", "R08", "Content-Signal: use=reference"),
            ("crawl-delay", "R09", "Crawl-delay: 1"),
        )
    ),
    site(
        "empty-disallow.demo.test",
        "Agents are named and nothing is refused to them: a mention is not a refusal (U06).",
        SILENT,
        robots=lines(
            "User-agent: GPTBot", "User-agent: CCBot", "User-agent: ClaudeBot", "Disallow:"
        ),
    ),
)

_TOKENS = (
    site(
        "ccbot-version.demo.test",
        "A token with a version is taken as the agent that it means (R17).",
        AGENTS,
        robots=lines("User-agent: CCBot/2.0", "Disallow: /"),
    ),
    site(
        "typos.demo.test",
        "Misspelt directives are taken as crawlers in the field take them (R21).",
        AGENTS,
        robots=lines("Useragent: GPTBot", "Disalow: /"),
    ),
    site(
        "google.demo.test",
        "`Google` is not `Google-Extended`: tokens are compared whole (R18).",
        SILENT,
        robots=lines("User-agent: Google", "Disallow: /"),
    ),
    site(
        "google-extended.demo.test",
        "A token without a crawler that controls training (U01).",
        AGENTS,
        robots=lines("User-agent: Google-Extended", "Disallow: /"),
    ),
    site(
        "applebot-extended.demo.test",
        "Another token that controls training and nothing else.",
        AGENTS,
        robots=lines("User-agent: Applebot-Extended", "Disallow: /"),
    ),
    site(
        "applebot.demo.test",
        "`Applebot` searches; refusing it says nothing about `Applebot-Extended` (U02).",
        _SEARCH,
        robots=lines("User-agent: Applebot", "Disallow: /"),
    ),
    site(
        "search-agent.demo.test",
        "An agent that searches is refused (U03).",
        _SEARCH,
        robots=lines("User-agent: OAI-SearchBot", "User-agent: PerplexityBot", "Disallow: /"),
    ),
    site(
        "user-agent.demo.test",
        "An agent that fetches on behalf of its user is refused.",
        only(Purpose.AI_INPUT, State.PARTIAL),
        robots=lines("User-agent: ChatGPT-User", "Disallow: /"),
    ),
    site(
        "legacy-agents.demo.test",
        "Agents that their operators no longer run or never documented: intent, without effect.",
        SILENT,
        robots=lines("User-agent: anthropic-ai", "User-agent: Claude-Web", "Disallow: /"),
    ),
    site(
        "odd-tokens.demo.test",
        "Tokens with digits and spaces are kept and matched, though the grammar has none (R20).",
        AGENTS,
        robots=lines("User-agent: Kangaroo Bot", "User-agent: img2dataset", "Disallow: /"),
    ),
)

_BYTES = (
    site(
        "bom.demo.test",
        "A byte order mark before the first line (R24).",
        AGENTS,
        robots=text(b"\xef\xbb\xbfUser-agent: GPTBot\nDisallow: /\n"),
    ),
    site(
        "latin-1.demo.test",
        "A comment in Latin-1, which is not UTF-8, before the rules.",
        AGENTS,
        robots=text("# Fouille réservée\nUser-agent: GPTBot\nDisallow: /\n".encode("latin-1")),
    ),
    site(
        "cr-only.demo.test",
        "Lines that end with a carriage return alone (R36).",
        AGENTS,
        robots=text("User-agent: GPTBot\rDisallow: /\r"),
    ),
    site(
        "utf-16.demo.test",
        "A file in UTF-16, for the format is UTF-8 (R41): what it refuses is a lenient reading.",
        SILENT,
        robots=text("User-agent: GPTBot\nDisallow: /\n".encode("utf-16")),
        malformed=frozenset({Purpose.GENAI_TRAIN}),
    ),
    site(
        "html-with-rules.demo.test",
        "An HTML page with rules in it: the lines that can be read count (R35).",
        REFUSED,
        robots=html(in_body="<pre>\nUser-agent: *\nDisallow: /\n</pre>\n"),
        complete=False,
    ),
    site(
        "binary-robots.demo.test",
        "An image where robots.txt is due: bytes that are no text were not read.",
        UNKNOWN,
        robots=text(
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01", "image/png"
        ),
        complete=False,
    ),
    site(
        "oversized.demo.test",
        "A refusal in the first line, and one beyond the 500 KiB that are read (R45).",
        AGENTS,
        robots=text(
            "User-agent: GPTBot\nDisallow: /\n\n"
            + _LINE * (600_000 // len(_LINE))
            + "User-agent: *\nDisallow: /\n"
        ),
        complete=None,
    ),
    site(
        "endless-robots.demo.test",
        "A file that never ends, of which the beginning is read.",
        AGENTS,
        robots=EndlessBody(
            start=b"User-agent: GPTBot\nDisallow: /\n\n",
            filler=_LINE.encode(),
            headers=(("Content-Type", "text/plain"),),
        ),
        complete=None,
    ),
)

ROBOTS_SITES = (*_GROUPS, *_TOKENS, *_BYTES)
