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


def stances(reading, path=None, *, counts=True, origin=""):
    """Return purpose, stance, use and limit of every applied statement."""
    return [
        " ".join(
            filter(
                None,
                (
                    applied.statement.purpose,
                    applied.statement.stance,
                    applied.statement.use and f"({applied.statement.use})",
                    applied.limited_to,
                ),
            )
        )
        for applied in rsl.statements_for(reading, Question(path=path, origin=origin))
        if applied.statement.counts is counts
    ]


def codes(reading) -> list[str]:
    return [issue.code.removeprefix("rsl.") for issue in reading.issues]


PAID = '<payment type="subscription"><custom>https://a.example/terms</custom></payment>'
EVERY = ("tdm", "ai_train", "ai_input", "search")


def every(stance: str) -> list[str]:
    return [f"{purpose} {stance}" for purpose in EVERY]


ALL = every("reserved")[1:]
NO_INPUT = "ai_input conditional"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        pytest.param(prohibits("ai-all"), ALL[:2], id="L01"),
        pytest.param(prohibits("all"), every("reserved"), id="E2 all is mining and search, too"),
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
            every("permitted"),
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
            every("conditional"),
            id="a limit without a use",
        ),
        pytest.param(PAID, every("conditional"), id="E4 a price without a use"),
        pytest.param(
            '<payment type="training"/>', ["ai_train conditional"], id="E4 a price of training"
        ),
        pytest.param('<payment type="use"/>', [NO_INPUT], id="E4 a price of outputs"),
        pytest.param(
            '<payment type="use"/><payment type="training"/>',
            ["ai_train conditional", NO_INPUT],
            id="E4 two prices",
        ),
        pytest.param('<payment type="crawl"/>', every("conditional"), id="E4 a price of crawls"),
        pytest.param("", [], id="an empty licence"),
        pytest.param('<payment type="free"/>', every("permitted"), id="E4 free, every use"),
        pytest.param(
            prohibits("ai-train") + PAID,
            ["ai_train reserved", "tdm conditional", NO_INPUT, "search conditional"],
            id="E4 a price for what is not prohibited",
        ),
        pytest.param(
            prohibits("ai-all") + permits("ai-input"),
            ["ai_train reserved", "ai_input permitted"],
            id="E3 the narrower class of use",
        ),
        pytest.param(
            permits("all") + prohibits("ai-train"),
            ["ai_train reserved", "tdm permitted", "ai_input permitted", "search permitted"],
            id="E3 all but training",
        ),
        pytest.param(
            prohibits("all") + permits("ai-train"),
            [
                "tdm reserved (other than ai-train)",
                "ai_train permitted",
                "ai_input reserved",
                "search reserved",
            ],
            id="E3 nothing but training",
        ),
        pytest.param(
            prohibits("all") + permits("search"),
            ["tdm reserved", "ai_train reserved", "ai_input reserved", "search permitted"],
            id="E3 nothing but search",
        ),
        pytest.param(
            prohibits("ai-all") + permits("ai-train") + PAID,
            ["ai_train conditional", "ai_input reserved"],
            id="E3 the narrower class for money",
        ),
        pytest.param(
            prohibits("ai-all") + permits("ai-all"),
            ["ai_train reserved", "ai_input reserved"],
            id="E3 one class, prohibits beats permits",
        ),
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
        pytest.param(permits("marketing"), [], ["usage_unknown"], id="another word"),
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
            ["ai_train permitted", "ai_input permitted"],
            ["payment.no_type"],
            id="E4 a payment without a type is free",
        ),
        pytest.param(
            "<payment/>", every("permitted"), ["payment.no_type"], id="E4 the same, no use named"
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
        pytest.param(document('<content url="/"/>'), "malformed", "no_license", id="no license"),
        pytest.param(
            document(content(prohibits("foo"))), "malformed", "usage_unknown", id="eyes E5 foo"
        ),
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
        pytest.param(
            L03,
            "/articles/x",
            ["tdm permitted", "ai_train reserved", "ai_input permitted", "search permitted"],
            id="L03 E3 inside, the rest stays",
        ),
        pytest.param(
            L03,
            "/about",
            every("permitted"),
            id="L03 outside",
        ),
        pytest.param(
            L03,
            None,
            [
                "tdm permitted",
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
            every("reserved"),
            id="a narrower content that is silent frees nothing",
        ),
        pytest.param(
            document(content(permits("ai-train")), content(prohibits("ai-train"))),
            "/x",
            ["ai_train reserved", NO_INPUT],
            id="equal paths, the stricter",
        ),
        pytest.param(
            document(content(prohibits("ai-all")), content(permits("search"), "/x/")),
            "/x/y",
            ["ai_train reserved", "ai_input reserved", "search permitted"],
            id="E3 a closed list frees nothing that is reserved",
        ),
        pytest.param(
            document(content(prohibits("ai-all")), content(permits("search"), "/x/")),
            None,
            ["ai_train reserved", "ai_input reserved", "search permitted paths"],
            id="E3 a closed list frees nothing, the origin",
        ),
        pytest.param(
            document(content(permits("all")), content(permits("search"), "/x/")),
            "/x/y",
            ["tdm permitted", "ai_train conditional", NO_INPUT, "search permitted"],
            id="E3 a closed list replaces broader permissions",
        ),
        pytest.param(
            document(content(permits("ai-input")), content(prohibits("all"), "/x/")),
            "/x/y",
            [
                "ai_input reserved",
                "ai_train reserved",
                "tdm reserved",
                "search reserved",
            ],
            id="E3 the narrower path before the narrower use",
        ),
        pytest.param(
            document(content(prohibits("all")), content(permits("ai-train"), "/open/")),
            "/open/x",
            [
                "tdm reserved (other than ai-train)",
                "ai_train permitted",
                "ai_input reserved",
                "search reserved",
            ],
            id="E3 training alone is open below a path",
        ),
        pytest.param(
            document(content(prohibits("all")), content(permits("ai-train"), "/open/")),
            None,
            [
                "tdm reserved paths",
                "ai_train reserved paths",
                "ai_train permitted paths",
                "ai_input reserved",
                "search reserved",
            ],
            id="E3 training alone is open below a path, the origin",
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
            ["/ ai_train reserved", "/x ai_train reserved paths"],
            [],
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
    ("url", "origin", "expected"),
    [
        pytest.param("https://elsewhere.example/", "https://h.example", "", id="E1 another host"),
        pytest.param("https://elsewhere.example/", "https://elsewhere.example", "counts", id="E1"),
        pytest.param("https://h.example/", "http://h.example", "counts", id="another scheme"),
        pytest.param("HTTPS://H.Example./", "https://h.example", "counts", id="spelling"),
        pytest.param("https://h.example:443/", "https://h.example", "counts", id="default port"),
        pytest.param("HTTPS://H.EXAMPLE:443/", "https://h.example", "counts", id="upper case"),
        pytest.param("https://h.example:8443/", "https://h.example", "", id="another port"),
        pytest.param("https://h.example/", "https://h.example:8443", "", id="port of the origin"),
        pytest.param("https://h.example:8443/", "https://h.example:8443", "counts", id="that port"),
        pytest.param("https://www.h.example/", "https://h.example", "lenient", id="www"),
        pytest.param("https://h.example/", "https://www.h.example", "lenient", id="without www"),
        pytest.param("https://a.h.example/", "https://h.example", "", id="a subdomain"),
        pytest.param("https://h.example/", "https://a.h.example", "", id="of a subdomain"),
        pytest.param("https://*.h.example/", "https://a.h.example", "counts", id="a wildcard"),
        pytest.param("https://*.h.example/", "https://h.example", "", id="a wildcard, the apex"),
        pytest.param("https://*.h.example/", "https://evil-h.example", "", id="a dot, too"),
        pytest.param("https://a*b*c.example/", "https://a1b2c.example", "counts", id="two"),
        pytest.param("https://a*b*c.example/", "https://a12c.example", "", id="one is missing"),
        pytest.param("https://*h.example:81/", "https://h.example:81", "counts", id="and a port"),
        pytest.param("*://h.example/", "https://h.example", "counts", id="any scheme"),
        pytest.param("//h.example/", "https://h.example", "counts", id="no scheme"),
        pytest.param("//elsewhere.example/", "https://h.example", "", id="no scheme, another"),
        pytest.param("https://u:p@h.example/", "https://h.example", "counts", id="user"),
        pytest.param(
            "https://bücher.example/", "https://xn--bcher-kva.example", "counts", id="IDN"
        ),
        pytest.param("https://[2001:db8::1]/", "https://[2001:db8::1]", "counts", id="IPv6"),
        pytest.param("https://a_b%zz/", "https://h.example", "", id="no host"),
        pytest.param("/", "https://h.example", "counts", id="a path"),
        pytest.param("", "https://h.example", "counts", id="attached"),
        pytest.param("*", "https://h.example", "counts", id="everything"),
        pytest.param("https://elsewhere.example/", "", "counts", id="origin not known"),
    ],
)
@pytest.mark.parametrize("path", [None, "/", "/x"])
def test_the_url_names_the_asset(url, origin, expected, path):
    reading = read(document(content(prohibits("ai-all"), url)))
    counted = stances(reading, path, origin=origin)
    lenient = stances(reading, path, origin=origin, counts=False)
    assert (bool(counted), bool(lenient)) == (expected == "counts", expected == "lenient")
    assert reading.presence == "present"


def test_a_document_for_several_hosts_speaks_to_each_of_its_own():
    text = document(
        content(permits("all"), "https://a.example/"),
        content(prohibits("all"), "https://b.example"),
    )
    reading = read(text)
    assert stances(reading, origin="https://a.example") == every("permitted")
    assert stances(reading, origin="https://b.example") == every("reserved")
    assert stances(reading, origin="https://c.example") == []
    assert rsl.names_hosts(reading)
    assert not rsl.names_hosts(read(document(content(prohibits("all")))))


@pytest.mark.parametrize(
    ("inside", "expected", "lenient"),
    [
        pytest.param(prohibits("train-ai"), [], ["ai_train reserved"], id="C2 train-ai"),
        pytest.param(prohibits("ai_train"), [], ["ai_train reserved"], id="a low line"),
        pytest.param(prohibits("ai-training"), [], ["ai_train reserved"], id="training"),
        pytest.param(
            prohibits("ai"), [], ["ai_train reserved", "ai_input reserved"], id="ai alone"
        ),
        pytest.param(prohibits("tdm"), [], ["tdm reserved"], id="mining has no word"),
        pytest.param(prohibits("everything"), [], every("reserved"), id="everything"),
        pytest.param(prohibits("AI_Input;search-index"), [], ALL[1:], id="semicolons"),
        pytest.param(prohibits("marketing"), [], [], id="another word"),
        pytest.param("<prohibits>ai-train</prohibits>", [], ALL[:1], id="no type"),
        pytest.param("<prohibits type='uses'>ai-train</prohibits>", [], ALL[:1], id="a near type"),
        pytest.param("<prohibits usage='ai-train'/>", [], ALL[:1], id="an attribute"),
        pytest.param("<prohibits type='ai-train'/>", [], ALL[:1], id="a use as the type"),
        pytest.param(
            "<prohibits type='ai-train'>yes</prohibits>", [], ALL[:1], id="a use as the type, yes"
        ),
        pytest.param("<permits type='ai-train'>no</permits>", [], ALL[:1], id="not permitted"),
        pytest.param(
            "<prohibits type='ai-train'>no</prohibits>",
            [],
            ["ai_train permitted"],
            id="not prohibited",
        ),
        pytest.param("<prohibits type='ai-train'>?</prohibits>", [], [], id="no answer"),
        pytest.param("<prohibits type='color'>no</prohibits>", [], [], id="no use"),
        pytest.param(permits("train-ai"), [], ["ai_train permitted"], id="L10 shown"),
        pytest.param(
            permits("search ai-training"),
            ["search permitted", "ai_train conditional", NO_INPUT],
            ["ai_train permitted"],
            id="a closed list with a near miss",
        ),
        pytest.param(
            "<payment><amount currency='EUR'>5</amount></payment>",
            every("permitted"),
            every("conditional"),
            id="E4 an amount without a type",
        ),
    ],
)
def test_near_misses_are_shown_and_do_not_count(inside, expected, lenient):
    reading = read(document(content(inside)))
    assert (stances(reading), sorted(stances(reading, counts=False))) == (expected, sorted(lenient))
    assert {s.reads.value for s in reading.statements if not s.counts} <= {"lenient"}
    assert reading.issues


def test_an_amount_without_a_type_is_shown_for_the_uses_that_are_named():
    paid = "<payment><amount currency='EUR'>5</amount></payment>"
    reading = read(document(content(permits("ai-train") + paid)))
    assert stances(reading) == ["ai_train permitted", NO_INPUT]
    assert stances(reading, counts=False) == ["ai_train conditional"]


@pytest.mark.parametrize("name", ["prohibit", "disallow", "forbid"])
def test_an_element_with_a_near_name_makes_a_lenient_statement(name):
    reading = read(document(content(f'<{name} type="usage">ai-train</{name}>')))
    assert (stances(reading), stances(reading, counts=False)) == ([], ["ai_train reserved"])
    assert (codes(reading), reading.presence) == (["unknown_element"], "malformed")


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
        "RSL 1.0, element prohibits (3.4.1.1)",
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
            place="copyright, line 2",
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
            ("", "rights@a.example", "rights@a.example", ("A",)),
            id="a mailbox, and a name that may be a person's",
        ),
    ],
)
def test_a_rights_holder_is_identified_by_its_contact(attributes, expected):
    holder = f"<copyright {attributes}>A</copyright>"
    text = document(content(prohibits("all")).replace("</content>", f"{holder}</content>"))
    (party,) = read(text).parties
    assert (party.name, party.uid, party.mailbox, party.private) == expected


def test_a_rights_holder_has_medium_confidence_without_conformance():
    text = document("<copyright>© 2026 A Ltd. All rights reserved.</copyright>")
    assert [(p.name, p.confidence) for p in read(text).parties] == [("A Ltd.", "medium")]


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(
            '<permits type="usage">ai-train, search</permits><payment type="subscription">'
            "<custom>https://a.example/buy</custom></payment>",
            [("rsl.custom", "https://a.example/buy", ("payment",), ("ai_train", "search"))],
            id="a custom offer",
        ),
        pytest.param(
            '<payment type="attribution"><standard>https://l.example/by</standard></payment>'
            '<payment type="contribution"/>',
            [("rsl.standard", "https://l.example/by", ("attribution", "contribution"), ())],
            id="a standard licence for every use",
        ),
        pytest.param(
            '<permits type="usage">search</permits><payment><custom>no address</custom></payment>',
            [],
            id="no address",
        ),
        pytest.param('<prohibits type="usage">all</prohibits>', [], id="no offer"),
        pytest.param("", [], id="free, without an address"),
    ],
)
def test_offers_of_a_licence(inner, expected):
    reading = read(document(content(inner)))
    found = [(p.source, p.licence_page, p.offers, p.uses) for p in reading.parties]
    assert found == expected


def test_a_licence_server_and_terms_are_places_to_ask_at():
    text = (
        '<content url="/" server="https://s.example"><license/><terms>https://t.example</terms>'
        "</content>"
    )
    found = [(p.source, p.licence_page, p.offers) for p in read(document(text)).parties]
    assert found == [
        ("rsl.server", "https://s.example", ("free",)),
        ("rsl.terms", "https://t.example", ("free",)),
    ]


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
        [f"{purpose} conditional paths" for purpose in EVERY],
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


def test_an_unknown_word_beside_known_ones_makes_the_document_malformed():
    reading = read(document(content(permits("search") + prohibits("copying"))))
    assert reading.presence == "malformed"
    assert any(statement.counts for statement in reading.statements)
