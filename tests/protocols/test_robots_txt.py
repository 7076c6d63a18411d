"""robots.txt: vectors R01 to R45 and U01 to U08, and the 56 cases that tell parsers apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.agents import CATALOGUE, TRAINING
from crawler.model import Document, Question, Reading
from crawler.protocols.robots import robots_txt
from crawler.protocols.robots.line_reader import MAX_BYTES
from crawler.vocab import AgentClass, Presence, Purpose, Reads, Stance
from tests.protocols.protocol_tables import allows

ALLOW, DENY = True, False
STAR = "User-agent: *\n"
BOT = "User-agent: GPTBot\n"


def parse(text: str | bytes, **facts: object) -> Reading:
    body = text if isinstance(text, bytes) else text.encode()
    return robots_txt.parse(Document(body=body, **facts))


def codes(reading: Reading) -> set[str]:
    return {issue.code for issue in reading.issues}


# id, file, agent, path, may the agent ask for it. Where RFC 9309 settles a case, its answer;
# where it does not, the comment says whose.
VECTORS = [
    ("R01", BOT + "Disallow: /", "GPTBot", "/a", DENY),
    ("R02", STAR + "Disallow: /", "GPTBot", "/a", DENY),
    ("R03", STAR + "Disallow: /\n" + BOT + "Allow: /", "GPTBot", "/a", ALLOW),
    ("R04", STAR + "Disallow: /\n" + BOT, "GPTBot", "/a", ALLOW),
    (
        "R05",
        BOT + "Disallow: /a\nUser-agent: X\nDisallow: /z\n" + BOT + "Disallow: /b",
        "GPTBot",
        "/b/1",
        DENY,
    ),
    ("R06", "User-agent: A\n\n" + BOT + "\nDisallow: /", "A", "/a", DENY),
    ("R07", "User-agent: A\nSitemap: https://h/s\n" + BOT + "Disallow: /", "A", "/a", DENY),
    ("R08", "User-agent: A\nContent-Signal: ai-train=no\n" + BOT + "Disallow: /", "A", "/a", DENY),
    ("R09", "User-agent: A\nCrawl-delay: 5\n" + BOT + "Disallow: /", "A", "/a", DENY),
    ("R10", "User-agent: A\nDisallow:\n" + BOT + "Disallow: /", "A", "/a", ALLOW),
    ("R11", STAR + "Disallow: /x/\nAllow: /x/page.html", "B", "/x/page.html", ALLOW),
    ("R12", STAR + "Disallow: /x\nAllow: /x", "B", "/x", ALLOW),
    ("R13", STAR + "Allow: /page\nDisallow: /*.html", "B", "/page.html", DENY),
    ("R14a", STAR + "Disallow: /*.pdf$", "B", "/a.pdf", DENY),
    ("R14b", STAR + "Disallow: /*.pdf$", "B", "/a.pdf?x=1", ALLOW),
    ("R15", STAR + "Disallow: /X/", "B", "/x/1", ALLOW),
    ("R16", "User-agent: gptbot\nDisallow: /", "GPTBot", "/a", DENY),
    # The line is no `identifier`; the lenient reading takes the token before the slash.
    ("R17", "User-agent: GPTBot/1.0\nDisallow: /", "GPTBot", "/a", DENY),
    ("R18", "User-agent: Google\nDisallow: /", "Google-Extended", "/a", ALLOW),
    ("R19", "User-agent: Spider\nDisallow: /", "MySpider", "/a", ALLOW),
    # Digits are not in the grammar either; the token is matched whole all the same.
    ("R20", "User-agent: img2dataset\nDisallow: /", "img2dataset", "/a", DENY),
    # The RFC grants leniency for other records only; crawlers in the field take the typo.
    ("R21", "User-agent: B\nDisalow: /", "B", "/a", DENY),
    # Only readers that compare prefixes take this for a rule: an issue, not a rule.
    ("R22", "User-agent: B\nDisallowed: /", "B", "/a", ALLOW),
    ("R23", "User-agent B\nDisallow /", "B", "/a", DENY),
    ("R24, encoded twice", b"\xc3\xaf\xc2\xbb\xc2\xbfUser-agent: B\nDisallow: /", "B", "/a", DENY),
    ("R24", "\ufeffUser-agent: B\nDisallow: /", "B", "/a", DENY),
    ("R25", "User-agent: B\nDisallowAITraining: /\nAllow: /x", "B", "/a", ALLOW),
    ("R26", "User-agent: B\nDisallow: /\nAllowAITraining: /", "B", "/a", DENY),
    ("R27", "User-agent: B\nDisallow: *.gif$", "B", "/a.gif", DENY),
    ("R28", "User-agent: B\nDisallow: private", "B", "/private", ALLOW),
    ("R29", "User-agent: B\nDisallow: /%62az", "B", "/baz", DENY),
    ("R30", "User-agent: B\nDisallow: /a/b", "B", "/a%2Fb", ALLOW),
    ("R31", "User-agent: B\nDisallow: /a%24", "B", "/a$", DENY),
    ("R32", STAR + "Disallow: /", "B", "/robots.txt", ALLOW),
    ("R33", "Disallow: /\nUser-agent: B\nAllow: /x", "B", "/a", ALLOW),
    ("R34", "<html><body>no such page</body></html>", "B", "/a", ALLOW),
    ("R35", "<html>\nUser-agent: *\nDisallow: /\n</html>", "B", "/a", DENY),
    ("R36", "User-agent: B\rDisallow: /\r", "B", "/a", DENY),
    ("R37", "User-agent: B\nDisallow: /x\u2028Disallow: /", "B", "/a", ALLOW),
    (
        "R38",
        STAR + "Content-Signal: ai-train=no\nAllow: /\n\n" + STAR + "Disallow: /private/",
        "B",
        "/private/1",
        DENY,
    ),
    # Erratum 8895: a list of tokens is no token.
    ("R39a", "User-agent: ClaudeBot, GPTBot\nDisallow: /", "ClaudeBot", "/a", ALLOW),
    ("R39b", "User-agent: ClaudeBot, GPTBot\nDisallow: /", "GPTBot", "/a", ALLOW),
    ("R40", "User-agent: */\nDisallow: /", "B", "/a", ALLOW),
    ("R41", "User-agent: *\nDisallow: /".encode("utf-16"), "B", "/a", ALLOW),
]


@pytest.mark.parametrize(
    ("text", "agent", "path", "expected"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS]
)
def test_vector(text, agent, path, expected):
    assert allows(parse(text), agent, path) is expected


# R42, R43 and R44 are about responses: tests/protocols/test_driver.py, tests/test_plan.py.

TOKENS = [
    ("GPT* names no agent", "User-agent: GPT*\nDisallow: /", "GPTBot", ALLOW),
    (
        "GPTBot* is GPTBot, as three readers in use have it",
        "User-agent: GPTBot*\nDisallow: /",
        "GPTBot",
        DENY,
    ),
    ("*bot names no agent", "User-agent: *bot\nDisallow: /", "GPTBot", ALLOW),
    ("* foo is not the star", "User-agent: * foo\nDisallow: /", "GPTBot", ALLOW),
    ("no token", "User-agent:\nDisallow: /", "GPTBot", ALLOW),
    ("a token with a space", "User-agent: Kangaroo Bot\nDisallow: /", "Kangaroo Bot", DENY),
    ("garbage behind a rule", "User-agent: B\nDisallow: / foo", "B", ALLOW),
    ("a URL as rule", "User-agent: B\nDisallow: https://h.example/a", "B", ALLOW),
    ("three words without a colon", "User-agent B C\nDisallow: /", "B", ALLOW),
    ("typo of the agent line", "user agent: B\nDisallow: /", "B", DENY),
]


@pytest.mark.parametrize(
    ("text", "agent", "expected"), [t[1:] for t in TOKENS], ids=[t[0] for t in TOKENS]
)
def test_token(text, agent, expected):
    assert allows(parse(text), agent, "/a") is expected


# The 56 cases in which parsers in use disagree. All expected answers are those of RFC 9309 with
# literal tokens, but: typos, missing colons and `CCBot/2.0` are taken as crawlers in the field do.
G = "GPTBot"
MATRIX = [
    ("simple block", BOT + "Disallow: /\n", G, "/a", DENY),
    ("stacked 1st", BOT + "User-agent: CCBot\nDisallow: /\n", G, "/a", DENY),
    (
        "stacked after * group",
        STAR + "Disallow: /admin\n\n" + BOT + "User-agent: CCBot\nDisallow: /\n",
        G,
        "/a",
        DENY,
    ),
    ("split groups merge", BOT + "Allow: /ok\n\n" + BOT + "Disallow: /\n", G, "/a", DENY),
    ("split * groups merge", STAR + "Allow: /ok\n\n" + STAR + "Disallow: /\n", "XBot", "/a", DENY),
    ("blank line between UA and rules", BOT + "\nDisallow: /\n", G, "/a", DENY),
    ("blank between stacked UAs", BOT + "\nUser-agent: CCBot\nDisallow: /\n", G, "/a", DENY),
    ("comment between UA and rule", BOT + "# c\nDisallow: /\n", G, "/a", DENY),
    ("sitemap between UA and rule", BOT + "Sitemap: http://x/s.xml\nDisallow: /\n", G, "/a", DENY),
    (
        "sitemap between stacked UAs",
        BOT + "Sitemap: http://x/s.xml\nUser-agent: CCBot\nDisallow: /\n",
        G,
        "/a",
        DENY,
    ),
    (
        "crawl-delay between UAs",
        BOT + "Crawl-delay: 5\n\nUser-agent: CCBot\nDisallow: /\n",
        G,
        "/a",
        DENY,
    ),
    (
        "content-signal between UA and rule",
        BOT + "Content-Signal: ai-train=no\nDisallow: /\n",
        G,
        "/a",
        DENY,
    ),
    (
        "content-signal between stacked UAs",
        BOT + "Content-Signal: ai-train=no\nUser-agent: CCBot\nDisallow: /\n",
        G,
        "/a",
        DENY,
    ),
    (
        "content-usage between UA and rule",
        BOT + "Content-Usage: train-ai=n\nDisallow: /\n",
        G,
        "/a",
        DENY,
    ),
    ("specific overrides *", STAR + "Disallow: /\n\n" + BOT + "Allow: /\n", G, "/a", ALLOW),
    ("specific empty overrides *", STAR + "Disallow: /\n\n" + BOT + "Disallow:\n", G, "/a", ALLOW),
    ("named group w/o rules", STAR + "Disallow: /\n\n" + BOT, G, "/a", ALLOW),
    ("case-insens token", "User-agent: gptbot\nDisallow: /\n", G, "/a", DENY),
    ("case-insens key", "USER-AGENT: GPTBot\nDISALLOW: /\n", G, "/a", DENY),
    ("space before colon", "User-agent : GPTBot\nDisallow : /\n", G, "/a", DENY),
    ("BOM", "\ufeff" + BOT + "Disallow: /\n", G, "/a", DENY),
    ("CR only EOL", "User-agent: GPTBot\rDisallow: /\r", G, "/a", DENY),
    ("CRLF", "User-agent: GPTBot\r\nDisallow: /\r\n", G, "/a", DENY),
    ("version in group UA", "User-agent: CCBot/2.0\nDisallow: /\n", "CCBot", "/a", DENY),
    (
        "query UA with version",
        "User-agent: CCBot\nDisallow: /\n",
        "CCBot/2.0 (https://commoncrawl.org/faq/)",
        "/a",
        DENY,
    ),
    ("prefix not match (GPT)", "User-agent: GPT\nDisallow: /\n", G, "/a", ALLOW),
    (
        "Google vs Google-Extended",
        "User-agent: Google\nDisallow: /\n",
        "Google-Extended",
        "/a",
        ALLOW,
    ),
    (
        "Googlebot not Google-Extended",
        "User-agent: Googlebot\nDisallow: /\n",
        "Google-Extended",
        "/a",
        ALLOW,
    ),
    (
        "Applebot not Applebot-Extended",
        "User-agent: Applebot\nDisallow: /\n",
        "Applebot-Extended",
        "/a",
        ALLOW,
    ),
    ("ClaudeBot vs Claude-Web", "User-agent: Claude-Web\nDisallow: /\n", "ClaudeBot", "/a", ALLOW),
    ("AI2Bot-Dolma vs AI2Bot", "User-agent: AI2Bot\nDisallow: /\n", "Ai2Bot-Dolma", "/a", ALLOW),
    (
        "5emeRue digit token not bleeding",
        STAR + "Disallow: /internal\n\nUser-agent: 5emeRue\nDisallow: /\n",
        "XBot",
        "/foo",
        ALLOW,
    ),
    ("token with digits", "User-agent: AI2Bot\nDisallow: /\n", "AI2Bot", "/a", DENY),
    ("token with space", "User-agent: Kangaroo Bot\nDisallow: /\n", "Kangaroo Bot", "/a", DENY),
    ("longest allow wins", STAR + "Disallow: /a\nAllow: /a/b\n", "XBot", "/a/b/c", ALLOW),
    ("longest disallow wins", STAR + "Allow: /a\nDisallow: /a/b\n", "XBot", "/a/b/c", DENY),
    ("tie allow wins", STAR + "Disallow: /a\nAllow: /a\n", "XBot", "/a", ALLOW),
    ("allow first order, longest", STAR + "Allow: /\nDisallow: /a\n", "XBot", "/a", DENY),
    ("wildcard mid", STAR + "Disallow: /*.pdf\n", "XBot", "/x/y.pdf", DENY),
    ("dollar", STAR + "Disallow: /*.pdf$\n", "XBot", "/x/y.pdf?z", ALLOW),
    ("disallow *", BOT + "Disallow: *\n", G, "/a", DENY),
    ("disallow /*", BOT + "Disallow: /*\n", G, "/a", DENY),
    ("no leading slash", STAR + "Disallow: admin\n", "XBot", "/admin", ALLOW),
    ("pct encoded rule", STAR + "Disallow: /a%3cd.html\n", "XBot", "/a%3Cd.html", DENY),
    ("utf8 rule vs pct path", STAR + "Disallow: /été\n", "XBot", "/%C3%A9t%C3%A9", DENY),
    ("pct rule vs utf8 path", STAR + "Disallow: /%C3%A9t%C3%A9\n", "XBot", "/été", DENY),
    ("robots.txt itself always allowed", STAR + "Disallow: /\n", "XBot", "/robots.txt", ALLOW),
    ("inline comment", "User-agent: GPTBot # openai\nDisallow: / # all\n", G, "/a", DENY),
    ("rules before UA ignored", "Disallow: /\nUser-agent: *\nAllow: /x\n", "XBot", "/a", ALLOW),
    ("empty disallow", STAR + "Disallow:\n", "XBot", "/a", ALLOW),
    (
        "html soft404",
        "<html><body>User-agent: *<br>Disallow: /</body></html>",
        "XBot",
        "/a",
        ALLOW,
    ),
    ("typo disalow", BOT + "Disalow: /\n", G, "/a", DENY),
    ("typo useragent", "useragent: GPTBot\nDisallow: /\n", G, "/a", DENY),
    ("path with query rule", STAR + "Disallow: /*?\n", "XBot", "/a?b=1", DENY),
    ("root path empty url", BOT + "Disallow: /\n", G, "", DENY),
    ("missing colon", "User-agent GPTBot\nDisallow /\n", G, "/a", DENY),
]


def test_matrix_is_complete():
    assert len({case[0] for case in MATRIX}) == 56


@pytest.mark.parametrize(
    ("text", "agent", "path", "expected"), [m[1:] for m in MATRIX], ids=[m[0] for m in MATRIX]
)
def test_case_on_which_parsers_differ(text, agent, path, expected):
    assert allows(parse(text), agent, path) is expected


# id, file, the statements: (agent, purpose, path, reads, counts).
GENAI, SEARCH, INPUT = Purpose.GENAI_TRAIN, Purpose.SEARCH, Purpose.AI_INPUT
STATEMENTS = [
    (
        "U01",
        "User-agent: Google-Extended\nDisallow: /",
        [("Google-Extended", GENAI, "/", "both", 1)],
    ),
    ("U02", "User-agent: Applebot\nDisallow: /", [("Applebot", SEARCH, "/", "both", 1)]),
    ("U03", "User-agent: PerplexityBot\nDisallow: /", [("PerplexityBot", SEARCH, "/", "both", 1)]),
    ("U04", "User-agent: CCBot\nDisallow: /news/", [("CCBot", GENAI, "/news/", "both", 1)]),
    ("U05", "User-agent: Claude\nDisallow: /", []),
    ("U06", "User-agent: GPTBot\nUser-agent: CCBot\nDisallow:", []),
    (
        "U07",
        "User-agent: meta-externalagent\nDisallow: /a\n"
        "User-agent: Meta-ExternalAgent\nDisallow: /b",
        [
            ("meta-externalagent", GENAI, "/a", "both", 1),
            ("meta-externalagent", GENAI, "/b", "both", 1),
        ],
    ),
    ("U08", "User-agent: OperatorX\nDisallow: /\n# operator GPTBot", []),
    (
        "a user agent",
        "User-agent: ChatGPT-User\nDisallow: /",
        [("ChatGPT-User", INPUT, "/", "both", 1)],
    ),
    (
        "a retired token is shown",
        "User-agent: anthropic-ai\nDisallow: /",
        [("anthropic-ai", GENAI, "/", "both", 0)],
    ),
    ("*, all of it", STAR + "Disallow: /", [("*", None, "/", "both", 1)]),
    (
        "*, all but robots.txt",
        STAR + "Disallow: /\nAllow: /robots.txt",
        [("*", None, "/", "both", 1)],
    ),
    (
        "*, all but /Robots.txt: policy files have no case",
        STAR + "Disallow: /\nAllow: /Robots.txt",
        [("*", None, "/", "both", 1)],
    ),
    ("*, all but a folder", STAR + "Disallow: /\nAllow: /public/", []),
    ("*, all and allowed again", STAR + "Disallow: /\nAllow: /", []),
    ("*, longer star than allow", STAR + "Disallow: /*\nAllow: /", [("*", None, "/*", "both", 1)]),
    ("*, home page only", STAR + "Disallow: /$", []),
    ("*, a folder", STAR + "Disallow: /admin", []),
    ("/* is everything", BOT + "Disallow: /*", [(G, GENAI, "/*", "both", 1)]),
    ("* is everything", BOT + "Disallow: *", [(G, GENAI, "*", "both", 1)]),
    ("a mention is no block", BOT + "Allow: /\n# Disallow: /", []),
    (
        "a rule that another hides only where its star is empty",
        BOT + "Disallow: /a*b\nAllow: /ab*",
        [(G, GENAI, "/a*b", "both", 1)],
    ),
    ("a rule that another shadows", BOT + "Disallow: /a\nAllow: /a", []),
    (
        "all but a folder names the universal rule first",
        BOT + "Disallow: /x/y\nDisallow: /\nAllow: /x",
        [(G, GENAI, "/", "both", 1), (G, GENAI, "/x/y", "both", 1)],
    ),
    ("version", "User-agent: CCBot/2.0\nDisallow: /", [("CCBot", GENAI, "/", "lenient", 1)]),
    ("typo", BOT + "Disalow: /", [(G, GENAI, "/", "lenient", 1)]),
    (
        "typo of an allow only the lenient reading sees",
        BOT + "Disallow: /a\nAllow /a",
        [(G, GENAI, "/a", "strict", 0)],
    ),
    ("a rule that matches nothing", BOT + "Disallow: private", []),
    ("a star behind a token", "User-agent: GPTBot*\nDisallow: /", [(G, GENAI, "/", "lenient", 1)]),
    (
        "some paths, in a group with *, reserve nothing",
        BOT + STAR + "Disallow: /search",
        [(G, GENAI, "/search", "both", 0)],
    ),
    (
        "everything, in a group with *",
        BOT + STAR + "Disallow: /",
        [("*", None, "/", "both", 1), (G, GENAI, "/", "both", 1)],
    ),
    ("a list names no agent", "User-agent: GPTBot, CCBot\nDisallow: /", []),
]


@pytest.mark.parametrize(
    ("text", "expected"), [s[1:] for s in STATEMENTS], ids=[s[0] for s in STATEMENTS]
)
def test_statements(text, expected):
    found = parse(text).statements
    got = [(s.agent, s.purpose, s.path, s.reads.value, int(s.counts)) for s in found]
    assert got == expected
    assert [s.n for s in found] == list(range(1, len(found) + 1))


def test_statement_cites_its_lines():
    (statement,) = parse(
        "# hello\nUser-agent: CCBot\nUser-agent: X\n\nDisallow: /  # all\n"
    ).statements
    assert statement.line == 5
    assert statement.raw == "User-agent: CCBot\nDisallow: /  # all"
    assert statement.place == "robots.txt line 5"
    assert statement.tier == 3
    assert statement.stance is Stance.RESERVED


ISSUES = [
    ("typo", "Disalow: /", "robots.typo"),
    ("missing colon", "Disallow /", "robots.missing_colon"),
    ("digits", "User-agent: AI2Bot", "robots.token_shape"),
    ("no slash", "User-agent: B\nDisallow: private", "robots.path.no_slash"),
    ("prefix hazard", "User-agent: B\nDisallowed: /", "robots.directive.prefix_hazard"),
    ("unknown", STAR + "Foo: bar", "robots.directive.unknown"),
    ("outside a group", "Disallow: /", "robots.rule.outside_group"),
    ("noise", "hello there world", "robots.line.unreadable"),
    ("an invisible tail", "User-agent: B\nDisallow: /\u200b", "robots.invisible"),
    ("an invisible token", "User-agent: *\xa0\nDisallow: /", "robots.invisible"),
    ("near miss", "User-agent: Claude\nDisallow: /", "robots.agent.near_miss"),
    ("BOM", "\ufeffUser-agent: B", "robots.bom"),
    (
        "interrupted group",
        "User-agent: A\nCrawl-delay: 1\nUser-agent: B\nDisallow: /",
        "robots.group.interrupted",
    ),
    ("Latin-1", "User-agent: B\nDisallow: /caf\xe9".encode("latin-1"), "robots.not_utf8"),
    ("UTF-16", "User-agent: B".encode("utf-16"), "robots.not_utf8"),
    ("R34", "<html><body>no</body></html>", "robots.html_body"),
    ("R35", "<html>\nUser-agent: *\nDisallow: /", "robots.html_body"),
]


@pytest.mark.parametrize(("text", "code"), [i[1:] for i in ISSUES], ids=[i[0] for i in ISSUES])
def test_issue(text, code):
    assert code in codes(parse(text))


@pytest.mark.parametrize(
    "key", ["Content-Signal", "License", "Sitemap", "Crawl-delay", "Host", "Clean-param"]
)
def test_known_records_are_no_issue(key):
    assert codes(parse(f"{STAR}Disallow: /a\n{key}: 1")) == set()


NBSP_ROWS = [
    ("C2 before the key", "User-agent: GPTBot\n\u00a0Disallow: /", "U+00A0"),
    ("before the first key", "\u00a0User-agent: GPTBot\nDisallow: /", "U+00A0"),
    ("zero width", "User-agent: GPTBot\n\u200bDisallow: /", "U+200B"),
    ("a byte order mark inside", "User-agent: x\n\ufeffUser-agent: GPTBot\nDisallow: /", "U+FEFF"),
    ("inside the key", "User-agent: GPTBot\nDis\u00adallow: /", "U+00AD"),
    ("behind the key", "User-agent: GPTBot\nDisallow\u00a0: /", "U+00A0"),
    ("another hyphen", "User\u2011agent: GPTBot\nDisallow: /", "U+2011"),
    ("before the value", "User-agent:\u00a0GPTBot\nDisallow:\u00a0/", "U+00A0"),
    ("behind the value", "User-agent: GPTBot\u3000\nDisallow: /\u200b", "U+3000"),
    ("a misspelt key", "User-agent: GPTBot\n\u00a0Disalow:\u00a0/", "U+00A0"),
    ("Windows-1252", b"User-agent: GPTBot\n\xa0Disallow: /", "U+00A0"),
    ("two of them", "User-agent: GPTBot\n\u00a0\u200bDisallow: /", "U+00A0, U+200B"),
]


@pytest.mark.parametrize(
    ("text", "names"), [row[1:] for row in NBSP_ROWS], ids=[row[0] for row in NBSP_ROWS]
)
def test_invisible_characters_are_named_and_the_line_counts_leniently(text, names):
    reading = parse(text)
    (excerpt, *_) = [i.excerpt for i in reading.issues if i.code == "robots.invisible"]
    assert excerpt.startswith(f"{names} in: ")
    assert [(s.agent, s.reads.value, s.counts) for s in reading.statements] == [
        (G, "lenient", True)
    ]
    assert not allows(reading, G, "/x")


def test_an_invisible_character_around_the_star():
    reading = parse("User-agent: *\u00a0\nDisallow: /")
    assert [(s.agent, s.reads.value) for s in reading.statements] == [("*", "lenient")]
    assert codes(parse("\u00a0Foo: bar")) == {"robots.directive.unknown"}
    assert codes(parse(STAR + "Disallow: /caf\u00e9")) == set()


def test_agents_with_groups_of_their_own():
    reading = parse("User-agent: GPTBot\nUser-agent: *\nUser-agent: a,b\nUser-agent: x*\nAllow: /")
    assert list(robots_txt.named_agents(reading)) == ["GPTBot", "x"]
    assert list(robots_txt.named_agents(parse("User-agent: *".encode("utf-16")))) == []


def test_issues_are_limited_for_hostile_files():
    reading = parse("noise here and there\n" * 5000)
    assert len(reading.issues) == 21
    assert reading.issues[-1].excerpt == "4980 more of robots.line.unreadable"


PRESENCE = [
    ("JSON", '{"error_id": 404}', Presence.ABSENT),
    ("binary", b"\x1f\x8b\x08:\x00\xff", Presence.ABSENT),
    (
        "HTML behind a byte order mark",
        b'\xef\xbb\xbf<!DOCTYPE html><p style="a:b">',
        Presence.ABSENT,
    ),
    ("a signal alone", "Content-Signal: ai-train=no", Presence.PRESENT),
    ("rules", STAR + "Disallow: /", Presence.PRESENT),
    ("a sitemap", "Sitemap: https://h/s", Presence.PRESENT),
    ("empty", "", Presence.ABSENT),
    ("comments", "# nothing here", Presence.ABSENT),
    ("prose", "Sorry, Page Not Found" + "\x00" * 500, Presence.ABSENT),
    ("R34", "<!doctype html><p>User-agent: *", Presence.ABSENT),
    ("R35", "<html>\nUser-agent: *\nDisallow: /\n</html>", Presence.PRESENT),
    ("R41", "User-agent: *\nDisallow: /".encode("utf-16"), Presence.MALFORMED),
]


@pytest.mark.parametrize(
    ("text", "expected"), [p[1:] for p in PRESENCE], ids=[p[0] for p in PRESENCE]
)
def test_presence(text, expected):
    assert parse(text).presence is expected


def test_r45_rules_behind_the_limit_are_dropped_with_an_issue():
    filler = "# padding\n" * (MAX_BYTES // 10 + 2000)
    reading = parse(BOT + "Disallow: /early\n" + filler + "Disallow: /late\n")
    assert "robots.truncated" in codes(reading)
    assert allows(reading, G, "/late")
    assert not allows(reading, G, "/early")


def test_a_cut_never_splits_a_character():
    body = (STAR + "Disallow: /" + "é" * MAX_BYTES).encode()
    assert codes(parse(body)) <= {"robots.truncated", "robots.not_utf8"}
    whole_line = (STAR + "Disallow: /a\n" + "#é\n" * MAX_BYTES).encode()
    assert codes(parse(whole_line)) == {"robots.truncated"}


def test_a_truncated_body_has_an_issue():
    assert "robots.truncated" in codes(parse(STAR + "Disallow: /", truncated=True))


def test_many_rules_of_one_agent_are_bounded_and_still_decide():
    agents = "".join(f"User-agent: {a}\n" for a in ("GPTBot", "CCBot", "ClaudeBot"))
    groups = "".join(f"{agents}Disallow: /{n}/\n" for n in range(900))
    reading = parse(groups)
    assert len(reading.statements) == 150
    assert not allows(reading, "CCBot", "/899/x")


def test_statements_of_one_file_are_bounded_with_an_issue():
    tokens = [a.token for a in CATALOGUE if a.agent_class in TRAINING]
    tokens += [a.token for a in CATALOGUE if a.agent_class is AgentClass.SEARCH]
    rules = "".join(f"Disallow: /{n}/\n" for n in range(60))
    reading = parse("".join(f"User-agent: {t}\n" for t in tokens) + rules)
    assert len(reading.statements) == 2000
    assert "robots.many_rules" in codes(reading)
    assert not allows(reading, tokens[-1], "/59/x")


APPLICABLE = [
    # id, question, what applies: (agent, limited to)
    ("origin, everybody", Question(), [("*", ""), (G, "agents"), ("CCBot", "agents")]),
    ("origin, an agent with paths", Question(agent="CCBot"), [("CCBot", "paths")]),
    ("origin, an agent refused whole", Question(agent="gptbot"), [(G, "")]),
    ("origin, an agent without a group", Question(agent="ClaudeBot"), [("*", "")]),
    ("a path", Question(path="/news/1"), [("*", ""), (G, "agents"), ("CCBot", "agents")]),
    ("a path that CCBot may have", Question(path="/a"), [("*", ""), (G, "agents")]),
    ("a path, an agent", Question(path="/news/1", agent="CCBot"), [("CCBot", "")]),
    ("a path an agent may have", Question(path="/a", agent="CCBot"), []),
    ("robots.txt itself", Question(path="/robots.txt"), []),
    (
        "/Robots.txt is a path like any other",
        Question(path="/Robots.txt"),
        [("*", ""), (G, "agents")],
    ),
    ("robots.txt itself, an agent", Question(path="/robots.txt", agent=G), []),
    ("a path, an agent without a group", Question(path="/a", agent="Foo"), [("*", "")]),
]
FILE = STAR + "Disallow: /\n\n" + BOT + "Disallow: /\n\nUser-agent: CCBot\nDisallow: /news/\n"


@pytest.mark.parametrize(
    ("question", "expected"), [v[1:] for v in APPLICABLE], ids=[v[0] for v in APPLICABLE]
)
def test_statements_for_a_question(question, expected):
    got = [
        (one.statement.agent, one.limited_to)
        for one in robots_txt.statements_for(parse(FILE), question)
    ]
    assert got == expected


def test_a_path_refused_to_star_is_a_statement_only_for_that_path():
    reading = parse(STAR + "Disallow: /admin")
    assert reading.statements == ()
    (applied,) = robots_txt.statements_for(reading, Question(path="/admin/x"))
    assert (applied.statement.stance, applied.statement.n) == (Stance.REFUSED, 0)
    assert applied.statement.rule == "robots.access.refused_path"


def test_an_agent_of_no_purpose_is_refused_access_only():
    reading = parse("User-agent: SemrushBot\nDisallow: /")
    (applied,) = robots_txt.statements_for(reading, Question(agent="SemrushBot"))
    assert applied.statement.stance is Stance.REFUSED


SHARED = BOT + STAR + "Disallow: /search"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Question(), [(G, "reserved", False)]),
        (Question(path="/search"), [("*", "refused", True), (G, "reserved", False)]),
        (Question(path="/search", agent=G), [("*", "refused", True)]),
        (Question(agent=G), []),
    ],
)
def test_a_refusal_shared_with_star_reserves_nothing_for_an_agent(question, expected):
    applicable = robots_txt.statements_for(parse(SHARED), question)
    assert [
        (one.statement.agent, one.statement.stance, one.statement.counts) for one in applicable
    ] == expected


def test_control_characters_become_replacement_characters():
    reading = parse("User-agent: *\nfoo\x00bar \x9f: 1")
    assert [i.excerpt for i in reading.issues] == ["foo\ufffdbar \ufffd: 1"]


def test_utf16_has_no_statements():
    assert robots_txt.statements_for(parse("User-agent: *".encode("utf-16")), Question()) == ()


def test_both_readings_are_kept_where_they_differ():
    reading = parse("User-agent: CCBot/2.0\nUser-agent: GPTBot\nDisallow: /")
    assert [(s.agent, s.reads) for s in reading.statements] == [
        ("CCBot", Reads.LENIENT),
        ("GPTBot", Reads.BOTH),
    ]


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            "User-agent: *|User-agent: GPTBot|Disallow: /|Allow: /a|Disallow: /a*b$|Disalow: /x|"
            "User-agent CCBot|Disallow:|#||<html>|Sitemap: x".split("|")
        ),
        st.text(max_size=30),
    ),
    max_size=12,
).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))


@given(body=st.one_of(st.binary(max_size=300), LINES), path=st.text(max_size=20))
def test_any_bytes_give_a_reading(body, path):
    reading = parse(body)
    assert reading == parse(body)
    for question in (
        Question(),
        Question(path=path),
        Question(agent="GPTBot"),
        Question(agent="", path=path),
    ):
        robots_txt.statements_for(reading, question)
    assert allows(reading, "GPTBot", "/robots.txt")


@given(body=LINES, path=st.sampled_from(["/", "/a", "/ab", "/xyz", "/aXb"]))
def test_statements_agree_with_the_gate_of_the_planner(body, path):
    reading = parse(body)
    refused = bool(robots_txt.statements_for(reading, Question(path=path, agent="GPTBot")))
    assert refused is not allows(reading, "GPTBot", path)
