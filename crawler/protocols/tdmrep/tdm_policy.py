"""TDM policy: the document that `tdm-policy` names, an ODRL offer in JSON-LD or a page for people.

It says under which conditions and from whom a licence may be had. It reserves nothing: the
best it gives an audit is its assigner, a party that calls itself the rights holder. What is
wrong with it never weakens the reservation that names it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from crawler.model import AppliedStatement, Document, Issue, Party, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, parties
from crawler.protocols.parsing.json_document import Object, clean, excerpt
from crawler.protocols.tdmrep import _values
from crawler.vocab import Presence, Resource

NAME = "tdm_policy"
VERSION = 1
TITLE = "TDM policy (ODRL offer)"
SPEC = _values.SPEC
FAMILY = "tdm_policy"
RANK = 1
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.TDM_POLICY})
HEADERS: tuple[str, ...] = ()

_CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"]
_PROFILE = "http://www.w3.org/ns/tdmrep"
_TEXT = 1000
_MINE = "tdm:mine"
_DUTIES = ("obtainConsent", "compensate")
_PURPOSES = ("tdm:research", "tdm:non-research")
_VCARD = ("", "vcard:", "http://www.w3.org/2006/vcard/ns#")
_ADDRESS = ("street-address", "postal-code", "locality", "country-name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigner:
    """The party that a policy names as the one who sets it; empty where it says nothing."""

    uid: str = ""
    name: str = ""
    nickname: str = ""
    email: str = ""
    url: str = ""
    telephone: str = ""
    address: str = ""
    is_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a policy says; one for people only says nothing that is read here."""

    machine_readable: bool
    uid: str = ""
    assigner: Assigner | None = None
    actions: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


def policy_of(reading: Reading) -> Policy | None:
    """The policy that a reading holds, None when there is none to be read."""
    return reading.rules if isinstance(reading.rules, Policy) else None


def parse(document: Document, /) -> Reading:
    """Read a policy; a page for people is present and needs no more (TDMRep, TDM Policy)."""
    text, quirk = json_document.decode(document.body)
    if not text.strip():
        return Reading(presence=Presence.ABSENT, issues=(_issue("empty"),))
    if "json" not in document.media_type and text.lstrip()[:1] not in ("{", "["):
        return _for_people(document)
    issues = [] if "json" in document.media_type else [_type(document)]
    if quirk:
        issues.append(_issue(quirk))
    read = json_document.read_json(text, FAMILY)
    if read.fault:
        return Reading(presence=Presence.MALFORMED, issues=(*issues, read.fault))
    offer = None if read.array else read.items[0].value
    if not isinstance(offer, Object):
        wrong = _issue("not_object", text)
        return Reading(presence=Presence.MALFORMED, issues=(*issues, wrong))
    return _offer(offer, issues)


def _for_people(document: Document) -> Reading:
    html = "html" in document.media_type or not document.media_type
    return Reading(
        presence=Presence.PRESENT,
        issues=() if html else (_type(document),),
        rules=Policy(machine_readable=False),
    )


def _type(document: Document) -> Issue:
    return _issue("media_type", document.media_type)


def _issue(code: str, text: str = "") -> Issue:
    return Issue(code=f"{FAMILY}.{code}", excerpt=excerpt(text))


def _offer(offer: Object, issues: list[Issue]) -> Reading:
    """A JSON-LD policy; without what the report requires it is invalid, and kept."""
    permissions = [p for p in _list(offer.get("permission")) if isinstance(p, Object)]
    policy = Policy(
        machine_readable=True,
        uid=_text(offer, "uid", "@id"),
        assigner=_assigner(offer.get("assigner")),
        actions=_texts(_each(permissions, "action")),
        duties=_texts(_each(_objects(_each(permissions, "duty")), "action")),
        constraints=tuple(_constraints(_objects(_each(permissions, "constraint")))),
        targets=_texts(_each(permissions, "target")),
    )
    required = list(_violations(offer, policy))
    issues += [*required, *_remarks(offer, policy)]
    return Reading(
        presence=Presence.MALFORMED if required else Presence.PRESENT,
        issues=json_document.capped(issues, FAMILY),
        parties=parties.unique((_party(policy, valid=not required),)),
        rules=policy,
    )


def _party(policy: Policy, *, valid: bool) -> Party | None:
    """The assigner: made for licences, so as sure as a party's own word can be."""
    who = policy.assigner
    if who is None:
        return None
    return parties.party(
        f"{NAME}.assigner",
        "offers_licence",
        parties.HIGH if valid else parties.MEDIUM,
        name=who.name or who.nickname,
        uid=who.uid,
        contact=(who.url, who.email),
        duties=", ".join(policy.duties),
        personal=(who.telephone, who.address),
        is_person=who.is_person,
    )


def _violations(offer: Object, policy: Policy) -> Iterator[Issue]:
    """Each MUST of the report (TDMRep, TDM Policy) that the document does not keep."""
    if offer.get("@context") != _CONTEXT:
        yield _issue("context", ", ".join(_texts(_list(offer.get("@context")))))
    if not policy.uid:
        yield _issue("no_uid")
    if "Offer" not in _texts(_list(offer.get("@type"))):
        yield _issue("not_offer", _text(offer, "@type"))
    if _text(offer, "profile") != _PROFILE:
        yield _issue("profile", _text(offer, "profile"))
    if policy.assigner is None:
        yield _issue("no_assigner")
    if not isinstance(offer.get("permission"), list):
        yield _issue("no_permission")
    elif offer.get("permission") and set(policy.actions) != {_MINE}:
        yield _issue("action", ", ".join(policy.actions))


def _remarks(offer: Object, policy: Policy) -> Iterator[Issue]:
    """What the report advises against or does not know, without making the policy invalid."""
    if len(_list(offer.get("assigner"))) > 1:
        yield _issue("several_assigners")
    for name in ("obligation", "prohibition"):
        if offer.all(name):
            yield _issue(name)
    for duty in policy.duties:
        if duty not in _DUTIES:
            yield _issue("duty", duty)
    for constraint in policy.constraints:
        if constraint not in [f"purpose eq {purpose}" for purpose in _PURPOSES]:
            yield _issue("constraint", constraint)


def _assigner(value: object) -> Assigner | None:
    """The first assigner: an object, the URI of one, or a list of these; None if it is empty."""
    given = next(iter(_list(value)), None)
    if not isinstance(given, Object):
        uid = _plain(given)
        return Assigner(uid=uid) if uid else None
    found = Assigner(
        uid=_text(given, "uid", "@id"),
        name=_vcard(given, "fn"),
        nickname=_vcard(given, "nickname"),
        email=_vcard(given, "hasEmail").removeprefix("mailto:"),
        url=_vcard(given, "hasURL"),
        telephone=_vcard(given, "hasTelephone").removeprefix("tel:"),
        address=_address(given),
    )
    kinds = _texts(_each([given], "@type", "vcard:kind"))
    is_person = any(kind.endswith(("Person", "Individual", "individual")) for kind in kinds)
    return None if found == Assigner() else replace(found, is_person=is_person)


def _address(given: Object) -> str:
    """A postal address on one line: street, code, locality, country, as far as they are given."""
    for prefix in _VCARD:
        value = next(iter(_list(given.get(f"{prefix}hasAddress"))), None)
        if isinstance(value, Object):
            return ", ".join(filter(None, (_vcard(value, name) for name in _ADDRESS)))
        if _plain(value):
            return _plain(value)
    return ""


def _vcard(given: Object, name: str) -> str:
    return _text(given, *(prefix + name for prefix in _VCARD))


def _text(given: Object, *names: str) -> str:
    """The first text found under the names."""
    return next(iter(_texts(_each([given], *names))), "")


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(text for value in values if (text := _plain(value)))


def _plain(value: object) -> str:
    """The text of a JSON-LD value: a string, a node or a literal; others have none."""
    if isinstance(value, Object):
        found = (value.get(name) for name in ("@id", "@value", "rdf:value", "uid"))
        value = next((text for text in found if isinstance(text, str)), None)
    return clean(value.strip()[:_TEXT]) if isinstance(value, str) else ""


def _list(value: object) -> list[object]:
    """A JSON-LD value is one or a list of them."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _each(given: Iterable[Object], *names: str) -> Iterator[object]:
    for thing in given:
        for name in names:
            yield from _list(thing.get(name))


def _objects(values: Iterable[object]) -> Iterator[Object]:
    """The objects among the values; a bare text stands for one with that action."""
    for value in values:
        if isinstance(value, Object):
            yield value
        elif isinstance(value, str):
            yield Object((("action", value),))


def _constraints(given: Iterable[Object]) -> Iterator[str]:
    for constraint in given:
        parts = (_text(constraint, name) for name in ("leftOperand", "operator", "rightOperand"))
        yield " ".join(parts)


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Nothing: a policy states conditions and its assigner, never a reservation."""
    return ()
