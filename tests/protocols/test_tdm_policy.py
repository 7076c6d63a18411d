"""TDM policies: the requirements of the report, the assigner, and pages for people."""

import json
import os
from pathlib import Path

import pytest

from crawler.model import Document, Party, Question
from crawler.protocols.tdmrep import tdm_policy
from crawler.protocols.tdmrep.tdm_policy import Assigner, Policy
from crawler.vocab import Offer, Presence, Purpose

CORPUS = Path(
    os.environ.get("TDM_AUDIT_CORPUS", Path(__file__).parents[2].parent / "shared" / "corpus")
)
OFFER: dict[str, object] = {
    "@context": ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"],
    "@type": "Offer",
    "profile": "http://www.w3.org/ns/tdmrep",
    "uid": "https://provider.com/policies/1",
    "assigner": {
        "uid": "https://provider.com",
        "vcard:fn": "Provider",
        "vcard:nickname": "PRV",
        "vcard:hasEmail": "mailto:contact@provider.com",
        "vcard:hasAddress": {
            "vcard:street-address": "111 Street Address",
            "vcard:postal-code": "5555",
            "vcard:locality": "Espérance",
            "vcard:country-name": "France",
        },
        "vcard:hasTelephone": "tel:+61755555555",
        "vcard:hasURL": "https://provider.com/tdm/licensing.html",
    },
    "permission": [
        {
            "target": "https://provider.com/papers",
            "action": "tdm:mine",
            "duty": [{"action": "obtainConsent"}],
            "constraint": [
                {"leftOperand": "purpose", "operator": "eq", "rightOperand": "tdm:non-research"}
            ],
        }
    ],
}


def read(content: object, media_type: str = "application/ld+json"):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return tdm_policy.parse(Document(body=body, media_type=media_type))


def codes(reading) -> list[str]:
    return [issue.code.removeprefix("tdm_policy.") for issue in reading.issues]


def test_t24_an_offer_names_its_assigner_and_its_terms():
    reading = read(OFFER)
    assert (reading.presence, codes(reading), reading.statements) == (Presence.PRESENT, [], ())
    assert reading.rules == Policy(
        machine_readable=True,
        uid="https://provider.com/policies/1",
        assigner=Assigner(
            uid="https://provider.com",
            name="Provider",
            nickname="PRV",
            email="contact@provider.com",
            url="https://provider.com/tdm/licensing.html",
            telephone="+61755555555",
            address="111 Street Address, 5555, Espérance, France",
        ),
        actions=("tdm:mine",),
        duties=("obtainConsent",),
        constraints=("purpose eq tdm:non-research",),
        targets=("https://provider.com/papers",),
    )
    assert tdm_policy.statements_for(reading, Question()) == ()


def test_an_assigner_is_a_party_that_offers_a_licence():
    assert read(OFFER).parties == (
        Party(
            source="tdm_policy.assigner",
            role="offers_licence",
            confidence="high",
            uid="https://provider.com",
            contact_page="https://provider.com/tdm/licensing.html",
            mailbox="contact@provider.com",
            duties="obtainConsent",
            private=("Provider", "+61755555555", "111 Street Address, 5555, Espérance, France"),
            place="assigner",
            offers=(Offer.CONSENT,),
            uses=(Purpose.TDM,),
        ),
    )


def test_the_name_of_an_organisation_is_public():
    assigner = {"uid": "https://p.example", "vcard:fn": "Provider GmbH"}
    (party,) = read(OFFER | {"assigner": assigner, "permission": []}).parties
    assert (party.name, party.offers, party.uses) == ("Provider GmbH", (), ())


def test_an_assigner_who_is_a_person_is_private():
    person = {"@type": "vcard:Individual", "uid": "https://j.example", "vcard:fn": "Jane Doe"}
    (party,) = read(OFFER | {"assigner": person, "profile": "x"}).parties
    assert (party.name, party.uid, party.confidence) == ("", "", "medium")
    assert party.private == ("Jane Doe", "https://j.example")


def test_no_assigner_is_no_party():
    assert read(without("assigner")).parties == ()
    assert read(b"<html>", "text/html").parties == ()


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in OFFER.items() if key != name}


@pytest.mark.parametrize(
    ("content", "presence", "expected"),
    [
        pytest.param(without("assigner"), "malformed", ["no_assigner"], id="T26"),
        pytest.param(OFFER | {"assigner": {}}, "malformed", ["no_assigner"], id="T26 empty"),
        pytest.param(OFFER | {"assigner": 7}, "malformed", ["no_assigner"], id="T26 a number"),
        pytest.param(without("@context"), "malformed", ["context"], id="no context"),
        pytest.param(OFFER | {"@context": "x"}, "malformed", ["context"], id="another context"),
        pytest.param(without("uid"), "malformed", ["no_uid"], id="no uid"),
        pytest.param(OFFER | {"@type": "Policy"}, "malformed", ["not_offer"], id="no offer"),
        pytest.param(OFFER | {"profile": "x"}, "malformed", ["profile"], id="another profile"),
        pytest.param(without("permission"), "malformed", ["no_permission"], id="no permission"),
        pytest.param(OFFER | {"permission": []}, "present", [], id="an empty permission"),
        pytest.param(OFFER | {"permission": [{}]}, "malformed", ["action"], id="no action"),
        pytest.param(
            OFFER | {"permission": [{"action": "use"}]},
            "malformed",
            ["action"],
            id="another action",
        ),
        pytest.param(OFFER | {"prohibition": []}, "present", ["prohibition"], id="prohibition"),
        pytest.param(OFFER | {"obligation": 1}, "present", ["obligation"], id="obligation"),
        pytest.param(
            OFFER | {"assigner": ["https://a.example", "https://b.example"]},
            "present",
            ["several_assigners"],
            id="two assigners",
        ),
        pytest.param(
            OFFER
            | {
                "permission": [
                    {"action": "tdm:mine", "duty": ["pay", 7], "constraint": {"operator": "lt"}}
                ]
            },
            "present",
            ["duty", "constraint"],
            id="terms of another profile",
        ),
        pytest.param([OFFER], "malformed", ["not_object"], id="an array"),
        pytest.param([], "malformed", ["not_object"], id="an empty array"),
        pytest.param("text", "malformed", ["not_object"], id="a string"),
        pytest.param(b"{", "malformed", ["json"], id="T25 malformed"),
        pytest.param(b'{"a": 1,}', "malformed", ["json"], id="T25 trailing comma"),
        pytest.param(b"[" * 50_000, "malformed", ["json"], id="nested too deeply"),
        pytest.param(
            b"\xef\xbb\xbf" + json.dumps(OFFER).encode(), "present", ["bom"], id="byte order mark"
        ),
        pytest.param(b"", "absent", ["empty"], id="empty"),
    ],
)
def test_requirements(content, presence, expected):
    reading = read(content)
    assert (reading.presence.value, codes(reading)) == (presence, expected)


@pytest.mark.parametrize(
    ("assigner", "expected"),
    [
        pytest.param("https://a.example", Assigner(uid="https://a.example"), id="a URI"),
        pytest.param([{"fn": "A"}, "b"], Assigner(name="A"), id="the first of a list"),
        pytest.param(
            {"@id": "x", "vcard:hasEmail": {"@id": "mailto:a@b.example"}},
            Assigner(uid="x", email="a@b.example"),
            id="nodes",
        ),
        pytest.param(
            {"http://www.w3.org/2006/vcard/ns#fn": [{"@value": "A"}]}, Assigner(name="A"), id="long"
        ),
        pytest.param({"vcard:hasAddress": "Street 1"}, Assigner(address="Street 1"), id="address"),
        pytest.param({"vcard:fn": {"x": 1}, "uid": "u"}, Assigner(uid="u"), id="no text"),
        pytest.param({"vcard:fn": "\ud800"}, Assigner(name="?"), id="a lone surrogate"),
        pytest.param([], None, id="none"),
    ],
)
def test_assigners(assigner, expected):
    policy = read(OFFER | {"assigner": assigner}).rules
    assert policy is not None
    assert policy.assigner == expected


@pytest.mark.parametrize(
    ("body", "media_type", "expected"),
    [
        pytest.param(b"<html>Terms</html>", "text/html", [], id="T25 html"),
        pytest.param(b"Terms", "", [], id="no type"),
        pytest.param(b"Terms", "text/plain", ["media_type"], id="text"),
        pytest.param(b"%PDF-1.7\x00\xff", "application/pdf", ["media_type"], id="PDF"),
    ],
)
def test_a_policy_for_people_is_present(body, media_type, expected):
    reading = read(body, media_type)
    assert (reading.presence, codes(reading)) == (Presence.PRESENT, expected)
    assert reading.rules == Policy(machine_readable=False)


def test_json_served_as_html_is_read():
    reading = read(OFFER, "text/html")
    assert (reading.presence, codes(reading)) == (Presence.PRESENT, ["media_type"])


def test_malformed_json_gives_no_policy():
    assert read(b"{").rules is None


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("name", "presence", "expected"),
    [
        pytest.param("spec_example_17.json", "present", [], id="the example of the report"),
        pytest.param("spec_example_18.json", "malformed", ["json"], id="its trailing comma"),
        pytest.param("spec_example_08.json", "malformed", ["json"], id="its missing comma"),
        pytest.param(
            "prof-oguzergin__bilge-ve-yonga__tdm-policy.json",
            "malformed",
            ["context", "no_uid", "not_offer", "profile", "no_assigner", "no_permission"],
            id="a home-made policy",
        ),
        pytest.param(
            "andersenbetul-alt__BETA-ART__wk_tdmrep.json",
            "malformed",
            ["not_object"],
            id="tdmrep.json as its own policy",
        ),
    ],
)
def test_real_policies(name, presence, expected):
    file = CORPUS / "tdmrep" / name
    if not file.is_file():
        pytest.skip(f"no corpus at {CORPUS}")
    reading = read(file.read_bytes())
    assert (reading.presence.value, codes(reading)) == (presence, expected)
