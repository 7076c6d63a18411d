"""RSL licence documents: what is prohibited, offered and left out, and for which paths."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.model import Document, Party, Question
from crawler.protocols.rsl import rsl

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)
NS = "https://rslstandard.org/rsl"


def read(text: str | bytes, media_type: str = "application/rsl+xml"):
    body = text.encode() if isinstance(text, str) else text
    return rsl.parse(Document(body=body, media_type=media_type))


def document(*contents: str, space: str = NS) -> str:
    return f'<?xml version="1.0"?>\n<rsl xmlns="{space}">{"".join(contents)}</rsl>'


def content(inside: str, url: str = "/", more: str = "") -> str:
    return f'<content url="{url}"{more}><license>{inside}</license></content>'


def usage(kind: str, words: str) -> str:
    return f'<{kind} type="usage">{words}</{kind}>'


def permits(words: str) -> str:
    return usage("permits", words)


def prohibits(words: str) -> str:
    return usage("prohibits", words)


def stances(reading, path=None, *, counts=True):
    """Return purpose, stance and limit of every applied statement."""
    return [
        " ".join(
            filter(None, (applied.statement.purpose, applied.statement.stance, applied.limited_to))
        )
        for applied in rsl.statements_for(reading, Question(path=path))
        if applied.statement.counts is counts
    ]


def codes(reading) -> list[str]:
    return [issue.code.removeprefix("rsl.") for issue in reading.issues]


PAID = '<payment type="subscription"><custom>https://a.example/terms</custom></payment>'
ALL = ["ai_train reserved", "ai_input reserved", "search reserved"]
NO_INPUT = "ai_input conditional"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        pytest.param(prohibits("ai-all"), ALL[:2], id="L01"),
        pytest.param(prohibits("all"), ALL, id="all is search, too"),
        pytest.param(prohibits("ai-train"), ALL[:1], id="training"),
        pytest.param(prohibits("ai-input"), ALL[1:2], id="input"),
        pytest.param(prohibits("search"), ALL[2:], id="search"),
        pytest.param(prohibits("AI-Train"), ALL[:1], id="case"),
        pytest.param(
            permits("search"),
            ["search permitted", "ai_train conditional", NO_INPUT],
            id="L02",
        ),
        pytest.param(
            permits("all"),
            ["ai_train permitted", "ai_input permitted", "search permitted"],
            id="everything, for nothing",
        ),
        pytest.param(permits("ai-train"), ["ai_train permitted", NO_INPUT], id="closed list"),
        pytest.param(
            permits("ai-train") + '<payment type="free"/>',
            ["ai_train permitted", NO_INPUT],
            id="free",
        ),
        pytest.param(permits("ai-train") + PAID, ["ai_train conditional", NO_INPUT], id="L04"),
        pytest.param(
            permits("ai-train") + '<payment type="attribution"/>',
            ["ai_train conditional", NO_INPUT],
            id="credit is a condition",
        ),
        pytest.param(
            permits("ai-train") + prohibits("ai-train"), ["ai_train reserved", NO_INPUT], id="L05"
        ),
        pytest.param(
            f"{permits('search')}</license><license>{permits('ai-all')}{PAID}",
            ["search permitted", "ai_train conditional", "ai_input conditional"],
            id="what one licence leaves out, another offers",
        ),
        pytest.param(
            permits("ai-all") + '<permits type="geo">EU</permits>',
            ["ai_train conditional", "ai_input conditional"],
            id="in some countries",
        ),
        pytest.param(
            permits("ai-all") + '<prohibits type="user">commercial</prohibits>',
            ["ai_train conditional", "ai_input conditional"],
            id="not for some users",
        ),
        pytest.param(
            prohibits("ai-train") + '<permits type="user">personal</permits>',
            ALL[:1],
            id="a prohibition stays one",
        ),
        pytest.param(
            '<permits type="user">personal</permits>',
            ["ai_train conditional"],
            id="a limit without a use",
        ),
        pytest.param(PAID, ["ai_train conditional"], id="a price without a use"),
        pytest.param("", [], id="an empty licence"),
        pytest.param('<payment type="free"/>', [], id="free, of what"),
        pytest.param("<x xmlns='urn:x'>all</x>" + prohibits("search"), ALL[2:], id="extension"),
        pytest.param(
            "<permits xmlns='urn:x' type='usage'>all</permits>", [], id="another namespace"
        ),
        pytest.param(
            "<prohibits type='usage'><![CDATA[ai-train]]></prohibits>", ALL[:1], id="CDATA"
        ),
    ],
)
def test_a_licence_for_everything(inside, expected):
    reading = read(document(content(inside)))
    assert (stances(reading), stances(reading, "/x"), codes(reading)) == (expected, expected, [])
    assert reading.presence == "present"


@pytest.mark.parametrize(
    ("inside", "expected", "issues"),
    [
        pytest.param(permits("train-ai"), [], ["usage_unknown"], id="L10"),
        pytest.param('<permits type="ai-train">no</permits>', [], ["type"], id="a use as a type"),
        pytest.param("<permits>ai-train</permits>", [], ["type"], id="no type"),
        pytest.param(
            prohibits("ai-index"), [], ["usage_not_judged"], id="an index is no purpose of ours"
        ),
        pytest.param(
            prohibits("ai-train") + prohibits("search"),
            ["ai_train reserved", "search reserved"],
            ["repeated"],
            id="two elements of a type",
        ),
        pytest.param(
            permits("ai-all") + "<payment/>",
            ["ai_train conditional", "ai_input conditional"],
            ["payment.no_type"],
            id="a payment of no type",
        ),
    ],
)
def test_deviations_that_are_noted_and_keep_conformance(inside, expected, issues):
    reading = read(document(content(inside)))
    assert (stances(reading), codes(reading), reading.presence) == (expected, issues, "present")


@pytest.mark.parametrize(
    ("text", "issues"),
    [
        pytest.param(document(content(prohibits("ai-train, ai-input"))), ["comma_list"], id="L08"),
        pytest.param(
            document(content(prohibits("ai-all")), space=NS + "/"), ["namespace"], id="namespace"
        ),
        pytest.param(
            document(content(prohibits("ai-all"))).replace(f' xmlns="{NS}"', ""),
            ["namespace"],
            id="no namespace",
        ),
        pytest.param(
            document("<meta><meta/></meta>", content(prohibits("ai-all"))),
            ["unknown_element"],
            id="unknown element",
        ),
        pytest.param(
            document(content(prohibits("ai-all")).replace(' url="/"', "")),
            ["content.no_url"],
            id="no url",
        ),
    ],
)
def test_a_document_that_does_not_conform_does_not_count(text, issues):
    reading = read(text)
    assert (stances(reading), stances(reading, counts=False)) == ([], ALL[:2])
    assert (codes(reading), reading.presence) == (issues, "malformed")
    assert {s.reads.value for s in reading.statements} == {"lenient"}


@pytest.mark.parametrize(
    ("text", "presence", "issue"),
    [
        pytest.param(
            '<!DOCTYPE rsl [<!ENTITY x "ai-all">]>' + document()[21:], "malformed", "dtd", id="L11"
        ),
        pytest.param(
            '<!DOCTYPE rsl SYSTEM "http://192.0.2.1/x.dtd"><rsl/>', "malformed", "dtd", id="L11 DTD"
        ),
        pytest.param(
            document(content(prohibits("&x;"))), "malformed", "xml", id="L11 an entity not declared"
        ),
        pytest.param("<rsl>", "malformed", "xml", id="breaks off"),
        pytest.param("\n" + document(), "malformed", "xml", id="not at the start"),
        pytest.param(
            b'<?xml version="1.0" encoding="x"?><rsl/>', "malformed", "xml", id="encoding"
        ),
        pytest.param(document(), "malformed", "no_content", id="no content"),
        pytest.param(document('<content url="/"/>'), "present", "no_license", id="no license"),
        pytest.param("<a>" * 50, "malformed", "too_large", id="deep"),
        pytest.param("<a>" + "<b/>" * 30_000, "malformed", "too_large", id="wide"),
        pytest.param("<!DOCTYPE html><p>", "absent", "soft_404", id="a page"),
        pytest.param("<html/>", "absent", "soft_404", id="a page without a type"),
        pytest.param("<rss/>", "absent", "other_format", id="a feed"),
        pytest.param("all rights reserved", "absent", "other_format", id="prose"),
        pytest.param(" \n", "absent", "empty", id="empty"),
    ],
)
def test_a_body_that_is_no_licence_document(text, presence, issue):
    reading = read(text)
    assert (reading.presence, codes(reading), reading.statements) == (presence, [issue], ())


def test_markup_served_as_html_is_absent():
    reading = read("<p>Not found<br></p>", "text/html")
    assert (reading.presence, codes(reading)) == ("absent", ["soft_404"])


def test_utf16_is_xml_like_any_other():
    reading = read(document(content(prohibits("ai-train"))).encode("utf-16"))
    assert stances(reading) == ["ai_train reserved"]


L03 = document(content(permits("all")), content(prohibits("ai-train"), "/articles/"))


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        pytest.param(L03, "/articles/x", ["ai_train reserved"], id="L03 inside"),
        pytest.param(
            L03,
            "/about",
            ["ai_train permitted", "ai_input permitted", "search permitted"],
            id="L03 outside",
        ),
        pytest.param(
            L03,
            None,
            [
                "ai_train permitted paths",
                "ai_train reserved paths",
                "ai_input permitted",
                "search permitted",
            ],
            id="L03 the origin",
        ),
        pytest.param(
            document(content(prohibits("ai-train")), content(permits("ai-train"), "/open/")),
            None,
            ["ai_train reserved paths", "ai_train permitted paths", "ai_input conditional paths"],
            id="reserved but for a part",
        ),
        pytest.param(
            document(content(prohibits("ai-train")), content(permits("ai-train"), "/open/")),
            "/open/x",
            ["ai_train permitted", NO_INPUT],
            id="the narrower permits",
        ),
        pytest.param(
            document(content(prohibits("all")), content(prohibits("search"), "/x")),
            "/x",
            ALL,
            id="a narrower content that is silent frees nothing",
        ),
        pytest.param(
            document(content(permits("ai-train")), content(prohibits("ai-train"))),
            "/x",
            ["ai_train reserved", NO_INPUT],
            id="equal paths, the stricter",
        ),
        pytest.param(
            document(content(prohibits("ai-train"), "*.pdf$")), "/a/b.pdf", ALL[:1], id="pattern"
        ),
        pytest.param(
            document(content(prohibits("ai-train"), "*.pdf$")), "/a/b.pdf?x", [], id="anchored"
        ),
        pytest.param(document(content(prohibits("ai-train"), "/*")), None, ALL[:1], id="universal"),
        pytest.param(
            document(content(prohibits("ai-train"), "")), "/x", ALL[:1], id="what it is attached to"
        ),
    ],
)
def test_the_narrowest_content_decides_for_a_path(text, path, expected):
    reading = read(text)
    assert (stances(reading, path), codes(reading)) == (expected, [])


@pytest.mark.parametrize(
    ("urls", "expected", "lenient", "issues"),
    [
        pytest.param(
            ["https://a.example"], ["/ ai_train reserved"], [], ["content.host"], id="a host"
        ),
        pytest.param(
            ["https://a.example/b/*?c#d"],
            ["/b/*?c ai_train reserved paths"],
            [],
            ["content.host"],
            id="path and query",
        ),
        pytest.param(
            ["https://a.example?q"],
            ["/?q ai_train reserved paths"],
            [],
            ["content.host"],
            id="query",
        ),
        pytest.param(
            ["https://a.example/b", "http://WWW.a.example/c"],
            ["/b ai_train reserved paths", "/c ai_train reserved paths"],
            [],
            ["content.host"] * 2,
            id="with and without www",
        ),
        pytest.param(
            ["https://a.example/", "https://b.example/", "/x"],
            ["/x ai_train reserved paths"],
            ["/ ai_train reserved"],
            ["content.several_hosts"] * 2,
            id="several hosts",
        ),
        pytest.param(
            ["a/b", "urn:x"],
            [],
            ["/a/b ai_train reserved paths", "/urn:x ai_train reserved paths"],
            ["content.url"] * 2,
            id="neither path nor URL",
        ),
    ],
)
def test_urls_of_contents(urls, expected, lenient, issues):
    reading = read(document(*(content(prohibits("ai-train"), url) for url in urls)))
    statements_for = rsl.statements_for(reading, Question())
    assert codes(reading) == issues
    for counts, wanted in ((True, expected), (False, lenient)):
        paths = [
            applied.statement.path
            for applied in statements_for
            if applied.statement.counts is counts
        ]
        spoken = stances(reading, counts=counts)
        assert [f"{path} {what}" for path, what in zip(paths, spoken, strict=True)] == wanted


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        pytest.param(content(permits("ai-train") + PAID), "https://a.example/terms", id="L04"),
        pytest.param(
            content(
                permits("ai-train")
                + '<payment type="crawl"><custom>https://c.example</custom>'
                + "<standard>https://s.example/</standard></payment>"
            ),
            "https://s.example/",
            id="standard before custom",
        ),
        pytest.param(
            content(permits("ai-train") + '<payment type="crawl"/>').replace(
                "</content>", "<terms>https://a.example/t</terms></content>"
            ),
            "https://a.example/t",
            id="terms",
        ),
        pytest.param(
            content(permits("ai-train"), more=' server="https://lic.example/"'),
            "https://lic.example/",
            id="a server that gives licences",
        ),
        pytest.param(
            content(permits("ai-train") + '<payment type="crawl"><custom>ask</custom></payment>'),
            None,
            id="no URL",
        ),
    ],
)
def test_the_policy_of_an_offer(text, policy):
    found = read(document(text)).statements[0]
    assert (found.stance, found.tier, found.policy) == ("conditional", 4, policy)


def test_a_statement_has_its_position():
    (found,) = read(document("\n", content("\n" + prohibits("\n ai-train ")))).statements
    assert (found.rule, found.place, found.raw, found.line, found.tier, found.path) == (
        "rsl.prohibits.ai-train",
        "RSL line 4",
        '<prohibits type="usage">ai-train</prohibits>',
        4,
        2,
        "/",
    )
    assert (found.n, found.clause, found.declared_by) == (
        1,
        "RSL 1.0, element prohibits",
        "origin_file",
    )


def test_the_rights_holder_is_a_party():
    holder = (
        '<copyright type="organization" contactEmail="r@a.example" contactUrl="/c">A</copyright>'
    )
    text = content(prohibits("all")).replace("</content>", f"<copyright/>{holder}</content>")
    assert read(document(text)).parties == (
        Party(
            source="rsl.copyright",
            role="holder",
            confidence="high",
            name="A",
            contact_page="/c",
            private=("r@a.example",),
        ),
    )


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param(
            'type="Person" contactUrl="https://a.example/c"',
            ("", "https://a.example/c", "", ("A",)),
            id="a person",
        ),
        pytest.param(
            'contactEmail="rights@a.example"',
            ("A", "rights@a.example", "rights@a.example", ()),
            id="a mailbox",
        ),
    ],
)
def test_a_rights_holder_is_identified_by_its_contact(attributes, expected):
    holder = f"<copyright {attributes}>A</copyright>"
    text = document(content(prohibits("all")).replace("</content>", f"{holder}</content>"))
    (party,) = read(text).parties
    assert (party.name, party.uid, party.mailbox, party.private) == expected


def test_a_rights_holder_has_medium_confidence_without_conformance():
    text = document("<copyright>A</copyright>")
    assert [(p.name, p.confidence) for p in read(text).parties] == [("A", "medium")]


@pytest.mark.parametrize("text", [document(content(prohibits("all"))), "", "<rsl>"])
def test_a_document_without_copyright_names_no_rights_holder(text):
    assert read(text).parties == ()


def test_a_hostile_document_is_bounded_and_reservations_are_kept():
    text = [content(permits("all foo"), f"/{n}") for n in range(300)]
    reading = read(document(*text, content(prohibits("ai-train"), "/z")))
    assert (len(reading.statements), len(reading.issues)) == (200, 200)
    assert reading.statements[0].stance == "reserved"
    assert codes(reading)[-1] == "more_statements"


PIECES = [
    f'<rsl xmlns="{NS}">',
    "</rsl>",
    '<content url="/',
    '">',
    "<license>",
    "</license></content>",
    permits("all"),
    prohibits("ai-train,x"),
    PAID,
    "<!DOCTYPE rsl>",
    "&amp;",
    "<![CDATA[",
    "é",
    "\x00",
]


@given(
    st.one_of(
        st.binary(max_size=100),
        st.lists(st.sampled_from(PIECES), max_size=10).map(lambda p: "".join(p).encode()),
        st.text(max_size=20).map(
            lambda url: document(content(prohibits("all"), url.replace("<", "")))
        ),
    ),
    st.one_of(st.none(), st.text(max_size=10)),
)
def test_any_bytes_give_a_reading(text, path):
    reading = read(text.encode("utf-8", "replace") if isinstance(text, str) else text)
    for applied in rsl.statements_for(reading, Question(path=path)):
        assert applied.statement in reading.statements
    for statement in reading.statements:
        f"{statement.path}{statement.raw}".encode()


REAL = {
    "BolsaClick": ("malformed", []),
    "DavidJKTofan": (
        "present",
        ["search conditional", "ai_input conditional", "ai_train conditional"],
    ),
    "IreneBurresi": ("malformed", []),
    "MaxSchoon": (
        "present",
        ["ai_train conditional paths", "ai_input conditional paths", "search conditional paths"],
    ),
    "alexanderbalieu-connections": (
        "present",
        ["ai_input conditional", "ai_train conditional", "search conditional"],
    ),
    "djibe": ("present", ["ai_train reserved", "ai_input reserved"]),
}


@pytest.mark.corpus
def test_real_documents():
    folder = CORPUS / "rsl"
    if not folder.is_dir():
        pytest.skip(f"no corpus of real files at {CORPUS}")
    readings = {
        path.name.partition("__")[0]: read(path.read_bytes()) for path in folder.glob("*.xml")
    }
    assert {
        name: (reading.presence.value, set(stances(reading))) for name, reading in readings.items()
    } == {name: (presence, set(expected)) for name, (presence, expected) in REAL.items()}
