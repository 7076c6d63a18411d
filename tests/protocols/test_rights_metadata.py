"""Rights metadata: schema.org, Dublin Core and licence links of a page name parties."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import page
from crawler.model import Document, Party, Question
from crawler.protocols.context import rights_metadata

ACME = {"@type": "Organization", "@id": "https://a.example/#org", "name": "ACME Ltd"}


def read(html: str):
    return rights_metadata.parse(Document(body=page.extract(html.encode(), "utf-8")))


def ld(*scripts: object, context: str = "https://schema.org") -> str:
    """A page with these nodes, each in a script of its own; a dict gets a context."""
    texts = [
        json.dumps({"@context": context} | s if isinstance(s, dict) else s)
        if not isinstance(s, str)
        else s
        for s in scripts
    ]
    tags = "".join(f'<script type="application/ld+json">{t}</script>' for t in texts)
    return f"<html><head>{tags}</head><body></body></html>"


def head(inner: str) -> str:
    return f"<html><head>{inner}</head><body></body></html>"


def named(html: str):
    """Source, role, name and identifier of everybody who is named."""
    return [(p.source, p.role, p.name, p.uid) for p in read(html).parties]


HOLDER = ("schema.copyrightHolder", "holder")
PUBLISHER = ("schema.publisher", "publisher")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        pytest.param({"copyrightHolder": "ACME Ltd"}, [(*HOLDER, "ACME Ltd", "")], id="a text"),
        pytest.param(
            {"copyrightHolder": "https://a.example/us"},
            [(*HOLDER, "", "https://a.example/us")],
            id="a URL",
        ),
        pytest.param(
            {"copyrightHolder": ACME},
            [(*HOLDER, "ACME Ltd", "https://a.example/#org")],
            id="a node",
        ),
        pytest.param(
            {
                "copyrightHolder": {
                    "legalName": "ACME Ltd",
                    "@id": "_:b0",
                    "url": "https://a.example",
                }
            },
            [(*HOLDER, "ACME Ltd", "https://a.example")],
            id="a blank node has no identifier",
        ),
        pytest.param(
            {"copyrightHolder": {"@value": "ACME Ltd"}}, [(*HOLDER, "ACME Ltd", "")], id="literal"
        ),
        pytest.param(
            {"copyrightHolder": ["ACME Ltd", 7, None, True, {}, [], ACME, "ACME Ltd"]},
            [(*HOLDER, "ACME Ltd", ""), (*HOLDER, "ACME Ltd", "https://a.example/#org")],
            id="a list with nonsense in it",
        ),
        pytest.param(
            {"copyrightHolder": {"name": ["A Ltd", "B Ltd"]}}, [(*HOLDER, "A Ltd", "")], id="names"
        ),
        pytest.param(
            {"schema:copyrightHolder": "A Ltd", "http://schema.org/copyrightHolder": "B Ltd"},
            [(*HOLDER, "A Ltd", ""), (*HOLDER, "B Ltd", "")],
            id="prefixes",
        ),
        pytest.param(
            {"@type": "WebSite", "publisher": ACME},
            [(*PUBLISHER, "ACME Ltd", "https://a.example/#org")],
            id="publisher of a site",
        ),
        pytest.param(
            {"@type": ["NewsArticle", "Thing"], "publisher": "ACME Ltd"},
            [(*PUBLISHER, "ACME Ltd", "")],
            id="publisher of an article",
        ),
        pytest.param(
            {"@type": "Book", "publisher": "ACME Ltd"}, [], id="publisher of a book for sale"
        ),
        pytest.param({"publisher": "ACME Ltd"}, [], id="publisher of nobody knows what"),
        pytest.param(
            {"citation": {"copyrightHolder": "ACME Ltd"}}, [], id="a work that is only mentioned"
        ),
        pytest.param(
            {"mainEntity": [{"isPartOf": {"copyrightHolder": "ACME Ltd"}}]},
            [(*HOLDER, "ACME Ltd", "")],
            id="what the page is about, and is part of",
        ),
        pytest.param(
            {
                "@graph": [
                    {"@type": "WebPage", "publisher": {"@id": "https://a.example/#org"}},
                    ACME,
                ]
            },
            [(*PUBLISHER, "ACME Ltd", "https://a.example/#org")],
            id="a reference within a graph",
        ),
        pytest.param(
            {"copyrightHolder": {"@id": "https://b.example/#org"}},
            [(*HOLDER, "", "https://b.example/#org")],
            id="a reference to a node elsewhere",
        ),
    ],
)
def test_schema_org(node, expected):
    assert named(ld(node)) == expected


def test_nodes_refer_to_each_other_across_scripts_and_arrays():
    html = ld(
        {"copyrightHolder": {"@id": "https://a.example/#org"}},
        [{"@context": "http://schema.org/"} | ACME],
    )
    assert named(html) == [(*HOLDER, "ACME Ltd", "https://a.example/#org")]


def test_another_vocabulary_is_not_read():
    assert named(ld({"copyrightHolder": "ACME Ltd"}, context="https://example.org/")) == []


@pytest.mark.parametrize(
    ("node", "licence"),
    [
        ({"acquireLicensePage": "/licences", "license": "https://l.example/by"}, "/licences"),
        (
            {"license": {"@type": "CreativeWork", "url": "https://l.example/by"}},
            "https://l.example/by",
        ),
        ({"license": "all rights reserved"}, ""),
        ({"license": "javascript:alert(1)"}, ""),
    ],
)
def test_a_licence_belongs_to_its_party_or_is_offered_alone(node, licence):
    (party,) = read(ld(node | {"copyrightHolder": "ACME Ltd"})).parties
    assert (party.name, party.licence_page) == ("ACME Ltd", licence)
    alone = read(ld(node)).parties
    assert [(p.source, p.role, p.confidence, p.licence_page) for p in alone] == (
        [("schema.license", "offers_licence", "low", licence)] if licence else []
    )


def test_a_person_is_private_and_an_office_is_not():
    person = {
        "@type": ["Person", "Organization"],
        "name": "Jane Doe",
        "url": "https://jane.example",
    }
    contact = {
        "email": "jane@a.example",
        "telephone": "+1 555",
        "address": {"streetAddress": "1 Road", "postalCode": "5"},
    }
    office = ACME | contact | {"contactPoint": [{"email": "licensing@a.example", "url": "/ask"}, 3]}
    first, second = read(ld({"copyrightHolder": [person, office]})).parties
    assert first == Party(
        source="schema.copyrightHolder",
        role="holder",
        confidence="medium",
        private=("Jane Doe", "https://jane.example"),
        place="JSON-LD, line 1",
    )
    assert (second.contact_page, second.mailbox) == ("/ask", "licensing@a.example")
    assert second.private == ("jane@a.example", "+1 555", "1 Road, 5")


def test_an_address_in_a_text_is_private():
    (party,) = read(ld({"copyrightHolder": ACME | {"address": "1 Road"}})).parties
    assert party.private == ("1 Road",)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(
            '<meta name="DCTERMS.rightsHolder" content="ACME Ltd">',
            [("dcterms.rightsholder", "holder", "medium", "ACME Ltd", "")],
            id="rightsHolder",
        ),
        pytest.param(
            '<meta property="dc:publisher" content=" ACME Ltd ">'
            '<link rel="license nofollow" href="licence.html">',
            [("dc.publisher", "publisher", "low", "ACME Ltd", "./licence.html")],
            id="publisher with the licence of the page",
        ),
        pytest.param(
            '<meta name="dc.rights" content="https://l.example/by">',
            [("dc.rights", "offers_licence", "low", "", "https://l.example/by")],
            id="rights that are a page",
        ),
        pytest.param('<meta name="dc.rights" content="(c) Jane Doe">', [], id="rights in prose"),
        pytest.param(
            '<link rel="DCTERMS.license" href="https://l.example/by">'
            '<link rel="license" href="https://l.example/other">',
            [("dcterms.license", "offers_licence", "low", "", "https://l.example/by")],
            id="the first licence",
        ),
        pytest.param('<link rel="license" href="#here">', [], id="a place on the page"),
        pytest.param('<link rel="license" href="">', [], id="no address"),
        pytest.param('<meta name="dcterms.rightsHolder" content="">', [], id="no name"),
        pytest.param("<meta charset=utf-8><link rel=icon href=/i>", [], id="other elements"),
        pytest.param(
            '<link rel="license" type="application/rsl+xml" href="/rsl.xml">',
            [],
            id="an RSL licence",
        ),
        pytest.param(
            '<template><meta name="dcterms.rightsHolder" content="A"></template>', [], id="template"
        ),
    ],
)
def test_dublin_core_and_links(inner, expected):
    found = [
        (p.source, p.role, p.confidence, p.name, p.licence_page) for p in read(head(inner)).parties
    ]
    assert found == expected


def test_a_licence_in_the_body_is_read():
    html = (
        '<html><head></head><body><a rel="license" href="https://l.example/">CC</a></body></html>'
    )
    assert [p.source for p in read(html).parties] == ["rel.license"]


@pytest.mark.parametrize(
    ("html", "presence", "codes"),
    [
        pytest.param(ld({"name": "x"}), "absent", [], id="nothing of rights"),
        pytest.param(ld("{"), "malformed", ["json"], id="broken"),
        pytest.param(ld("  "), "absent", [], id="empty"),
        pytest.param(ld('"schema.org"'), "absent", [], id="a text"),
        pytest.param(ld('{"a": NaN}'), "malformed", ["json"], id="not JSON"),
        pytest.param(ld('"' + "x" * 70_000 + '"'), "malformed", ["too_long"], id="too long"),
        pytest.param(ld("[" * 30_000), "malformed", ["json"], id="nested deeply"),
        pytest.param(
            ld({"copyrightHolder": "A"}, "{"), "present", ["json"], id="one of two is broken"
        ),
    ],
)
def test_presence_and_issues(html, presence, codes):
    reading = read(html)
    found = [issue.code.removeprefix("rights_metadata.") for issue in reading.issues]
    assert (reading.presence.value, found) == (presence, codes)


def test_a_hostile_page_names_at_most_fifty_parties():
    many = [{"copyrightHolder": f"A{n}"} for n in range(500)]
    assert len(read(ld({"@graph": many})).parties) == 50
    assert len(read(ld({"copyrightHolder": [f"A{n}" for n in range(500)]})).parties) == 50


def test_deep_nesting_is_cut_off():
    wide = [[[]] * 50] * 50
    assert named(
        ld({"@graph": [*wide, {"copyrightHolder": "far"}, [{"copyrightHolder": "x"}] * 9]})
    )
    deep = '{"@context":"schema.org","isPartOf":' * 400 + "{}" + "}" * 400
    assert named(ld(deep)) == []
    full = [{"name": "x"}] * 2500
    assert named(ld({"@graph": full, "isPartOf": {"copyrightHolder": "beyond"}})) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "@id",
                    "@type",
                    "@graph",
                    "name",
                    "url",
                    "publisher",
                    "copyrightHolder",
                    "license",
                    "address",
                    "email",
                    "telephone",
                    "contactPoint",
                    "isPartOf",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_value_gives_a_reading(value):
    html = ld(json.dumps({"@context": "https://schema.org", "@type": "WebPage", "@graph": value}))
    reading = read(html)
    assert reading == read(html)
    assert reading.statements == rights_metadata.statements_for(reading, Question()) == ()
    assert len(reading.parties) <= 50


@given(st.binary(max_size=300))
def test_any_bytes_give_a_reading(body):
    assert rights_metadata.parse(Document(body=body)).statements == ()


@pytest.mark.parametrize(
    "element",
    [
        pytest.param('<meta name="dcterms.rights" content="{}">', id="D7 dcterms.rights"),
        pytest.param('<meta name="DC.Rights" content="{}">', id="D7 dc.rights"),
        pytest.param('<meta name="copyright" content="{}">', id="D7 copyright"),
        pytest.param('<meta property="dcterms:rights" content="{}">', id="a property"),
        pytest.param('<meta itemprop="copyrightNotice" content="{}">', id="an itemprop"),
    ],
)
def test_sentences_in_elements_about_rights_are_candidates(element):
    sentence = "Text and data mining is reserved, Art. 4(3) Directive 2019/790."
    reading = read(head(element.format(sentence)))
    (found,) = reading.candidates
    assert (found.location, found.strength, found.line) == ("page_metadata", "candidate", 1)
    assert reading.presence.value == "present"


@pytest.mark.parametrize(
    "element",
    [
        '<meta name="copyright" content="(c) 2026 ACME. All rights reserved.">',
        '<meta name="summary" content="Text and data mining is reserved.">',
        '<link rel="license" href="https://a.example/tdm-prohibited">',
    ],
)
def test_other_elements_have_no_candidates(element):
    assert read(head(element)).candidates == ()


def test_a_party_may_have_a_parent_and_a_page_a_source():
    parent = {"@type": "Organization", "name": "Group", "@id": "https://g.example/#o"}
    page_node = {
        "@type": "NewsArticle",
        "publisher": ACME | {"parentOrganization": {"@id": parent["@id"]}},
        "sourceOrganization": {"@type": "NGO", "legalName": "Source e.V.", "name": "Source"},
    }
    assert named(ld(page_node, parent)) == [
        ("schema.publisher", "publisher", ACME["name"], "https://a.example/#org"),
        ("schema.parentOrganization", "parent", "Group", "https://g.example/#o"),
        ("schema.sourceOrganization", "source", "Source e.V.", ""),
    ]


def test_the_owner_of_a_picture_is_not_that_of_the_page():
    picture = {
        "@type": "ImageObject",
        "copyrightHolder": [ACME, {"@type": "Person", "name": "Jane Doe"}],
        "acquireLicensePage": "https://a.example/buy",
        "publisher": ACME,
    }
    first, second = read(ld(picture)).parties
    assert (first.source, first.role, first.name) == (
        "schema.file.copyrightHolder",
        "owner",
        ACME["name"],
    )
    assert first.licence_page == "https://a.example/buy"
    assert (second.name, second.private) == ("", ("Jane Doe",))


def test_an_organisation_that_a_page_describes_is_a_candidate():
    described = {"@type": "Corporation", "legalName": "A AG", "name": "A"}
    assert named(ld(described)) == [("schema.legalName", "candidate", "A AG", "")]
    assert named(ld({"@type": "Person", "legalName": "Jane Doe"})) == []


LEI = "5493001KJTIIGC8Y1R12"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"leiCode": LEI.lower()}, (f"lei:{LEI}",)),
        ({"vatID": "DE 123.456.789"}, ("vat:DE123456789",)),
        (
            {"sameAs": ["https://www.wikidata.org/wiki/Q42", "https://social.example/a"]},
            ("wikidata:Q42",),
        ),
        ({"sameAs": "https://isni.org/isni/0000000121032683"}, ("isni:0000000121032683",)),
        (
            {"identifier": {"@type": "PropertyValue", "propertyID": "LEI", "value": LEI}},
            (f"lei:{LEI}",),
        ),
        ({"identifier": [f"https://search.gleif.org/#/record/{LEI}", "0815"]}, (f"lei:{LEI}",)),
        ({"identifier": {"value": LEI}}, ()),
        ({"leiCode": "short"}, ()),
        ({"leiCode": f"{LEI[:-1]}3"}, ()),
        ({"leiCode": "0" * 20}, ()),
        ({"sameAs": "https://isni.org/isni/0000000121032684"}, ()),
        ({"sameAs": "https://isni.org/isni/000000012146438X"}, ("isni:000000012146438X",)),
    ],
)
def test_identifiers_of_registers(members, expected):
    (party,) = read(ld({"copyrightHolder": ACME | members})).parties
    assert party.identifiers == expected
    person = {"@type": "Person", "name": "Jane Doe"} | members
    (party,) = read(ld({"copyrightHolder": person})).parties
    assert party.identifiers == ()


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("© 2024 A Ltd. All rights reserved.", "A Ltd."),
        ("<b>A</b> Ltd", ""),
        ("A" * 400 + " Ltd", ""),
        ("jane@a.example", ""),
    ],
)
def test_what_is_no_name_is_dropped(name, public):
    found = [p.name for p in read(ld({"copyrightHolder": name})).parties]
    assert found in ([public], [])


def test_microdata_is_read_as_json_ld_is():
    html = (
        "<body><div itemscope itemtype=http://schema.org/NewsArticle>\n"
        "<p itemprop=publisher itemscope itemtype=https://schema.org/Organization>"
        "<a itemprop=url href=https://a.example/><span itemprop=name>A News</span></a></p></div>"
    )
    (party,) = read(html).parties
    assert (party.source, party.name, party.uid) == (
        "schema.publisher",
        "A News",
        "https://a.example/",
    )
    assert party.place == "microdata, line 1"


def test_the_name_of_a_site_counts_only_where_it_is_an_organisations():
    def site(name: str) -> str:
        return head(f'<meta property="og:site_name" content="{name}"><link rel=license href=/l>')

    assert [p.name for p in read(site("A Zeitung")).parties] == ["A Zeitung", ""]
    (party,) = read(site("Jane Doe")).parties
    assert (party.source, party.private) == ("rel.license", ())
