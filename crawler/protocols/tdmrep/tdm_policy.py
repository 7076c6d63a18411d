"""TDM policy: the document that `tdm-policy` names, an ODRL offer in JSON-LD or a page for people.

A policy names the conditions of a licence and its assigner, a party that calls itself the rights
holder. It makes no statement. TDMRep, tdm-policy: a policy that cannot be fetched or parsed never
weakens the reservation that names it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from crawler.model import AppliedStatement, Document, Issue, Party, Question, Reading
from crawler.organisations import is_organisation
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import json_document, parties
from crawler.protocols.parsing.json_document import Object, clean, excerpt
from crawler.protocols.tdmrep import _values
from crawler.vocab import Offer, Presence, Purpose, Resource

NAME = "tdm_policy"
VERSION = 2
TITLE = "TDM policy (ODRL offer)"
SPEC = _values.SPEC
FAMILY = "tdm_policy"
RANK = 1
CARRIER = Carrier.BODY
RESOURCES = frozenset({Resource.TDM_POLICY})
HEADERS: tuple[str, ...] = ()
#: A policy states terms; it never reserves.
CONTEXT_ONLY = True

_CONTEXT = ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"]
_PROFILE = "http://www.w3.org/ns/tdmrep"
_MAX_TEXT = 1000
_MINE = "tdm:mine"
_DUTIES = ("obtainConsent", "compensate")
_OFFERS = {
    "obtainConsent": Offer.CONSENT,
    "compensate": Offer.PAYMENT,
    "attribute": Offer.ATTRIBUTION,
}
_PURPOSES = ("tdm:research", "tdm:non-research")
# A prefix of vCard names, none, or the full IRI: no JSON-LD context is ever fetched.
_VCARD = ("", "vcard:", "http://www.w3.org/2006/vcard/ns#")
_ADDRESS = ("street-address", "postal-code", "locality", "country-name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigner:
    """The party that a policy names as its assigner. Members that it does not give are empty."""

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
    """The content of a policy, as `Reading.rules`. A policy for people has no other members.

    `constraints` are texts of left operand, operator and right operand.
    """

    machine_readable: bool
    uid: str = ""
    assigner: Assigner | None = None
    actions: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


def parse(document: Document, /) -> Reading:
    """Parse a policy. A page for people is present without issues (TDMRep, TDM Policy)."""
    text, deviation = json_document.decode(document.body)
    if not text.strip():
        return Reading(presence=Presence.ABSENT, issues=(_issue("empty"),))
    if "json" not in document.media_type and text.lstrip()[:1] not in ("{", "["):
        return _for_people(document)
    issues = [] if "json" in document.media_type else [_type(document)]
    if deviation:
        issues.append(_issue(deviation))
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
    """Build the reading of a JSON-LD policy. One that breaks a MUST is malformed, and kept."""
    permissions = [p for p in _as_list(offer.get("permission")) if isinstance(p, Object)]
    policy = Policy(
        machine_readable=True,
        uid=_text(offer, "uid", "@id"),
        assigner=_assigner(offer.get("assigner")),
        actions=_texts(_values_of(permissions, "action")),
        duties=_texts(_values_of(_objects(_values_of(permissions, "duty")), "action")),
        constraints=tuple(_constraints(_objects(_values_of(permissions, "constraint")))),
        targets=_texts(_values_of(permissions, "target")),
    )
    violations = list(_violations(offer, policy))
    issues += [*violations, *_remarks(offer, policy)]
    return Reading(
        presence=Presence.MALFORMED if violations else Presence.PRESENT,
        issues=json_document.limit_issues(issues, FAMILY),
        parties=parties.unique_parties((_party(policy, valid=not violations),)),
        rules=policy,
    )


def _party(policy: Policy, *, valid: bool) -> Party | None:
    """Return the assigner as a party; high confidence, since policies are made for licences."""
    assigner = policy.assigner
    if assigner is None:
        return None
    name = assigner.name or assigner.nickname
    # Types are rarely given. The identifier of an offer is meant to be used; a name that may be a
    # person's is not needed for that.
    is_unclear = not assigner.is_person and bool(name) and not is_organisation(name)
    return parties.make_party(
        f"{NAME}.assigner",
        "offers_licence",
        parties.HIGH if valid else parties.MEDIUM,
        name="" if is_unclear else name,
        uid=assigner.uid,
        contact=(assigner.url, assigner.email),
        duties=", ".join(policy.duties),
        offers=tuple(dict.fromkeys(_OFFERS[duty] for duty in policy.duties if duty in _OFFERS)),
        uses=(Purpose.TDM,) if _MINE in policy.actions else (),
        personal=(name if is_unclear else "", assigner.telephone, assigner.address),
        is_person=assigner.is_person,
        place="assigner",
        identifiers=(assigner.uid,),
    )


def _violations(offer: Object, policy: Policy) -> Iterator[Issue]:
    """Yield each MUST of the report (TDMRep, TDM Policy) that the document breaks."""
    if offer.get("@context") != _CONTEXT:
        yield _issue("context", ", ".join(_texts(_as_list(offer.get("@context")))))
    if not policy.uid:
        yield _issue("no_uid")
    if "Offer" not in _texts(_as_list(offer.get("@type"))):
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
    """Yield what the report advises against or does not define; the policy stays valid."""
    if len(_as_list(offer.get("assigner"))) > 1:
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
    """Return the first assigner of an object, a URI or a list of these; None if it is empty."""
    first = next(iter(_as_list(value)), None)
    if not isinstance(first, Object):
        uid = _text_of(first)
        return Assigner(uid=uid) if uid else None
    assigner = Assigner(
        uid=_text(first, "uid", "@id"),
        name=_vcard(first, "fn"),
        nickname=_vcard(first, "nickname"),
        email=_vcard(first, "hasEmail").removeprefix("mailto:"),
        url=_vcard(first, "hasURL"),
        telephone=_vcard(first, "hasTelephone").removeprefix("tel:"),
        address=_address(first),
    )
    kinds = _texts(_values_of([first], "@type", "vcard:kind"))
    is_person = any(kind.endswith(("Person", "Individual", "individual")) for kind in kinds)
    return None if assigner == Assigner() else replace(assigner, is_person=is_person)


def _address(node: Object) -> str:
    """Return a postal address on one line: street, code, locality and country if given."""
    for prefix in _VCARD:
        value = next(iter(_as_list(node.get(f"{prefix}hasAddress"))), None)
        if isinstance(value, Object):
            return ", ".join(filter(None, (_vcard(value, name) for name in _ADDRESS)))
        if _text_of(value):
            return _text_of(value)
    return ""


def _vcard(node: Object, name: str) -> str:
    return _text(node, *(prefix + name for prefix in _VCARD))


def _text(node: Object, *names: str) -> str:
    """Return the first text under one of the names, empty if there is none."""
    return next(iter(_texts(_values_of([node], *names))), "")


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(text for value in values if (text := _text_of(value)))


def _text_of(value: object) -> str:
    """Return the text of a JSON-LD string, node or literal; empty for other values."""
    if isinstance(value, Object):
        texts = (value.get(name) for name in ("@id", "@value", "rdf:value", "uid"))
        value = next((text for text in texts if isinstance(text, str)), None)
    return clean(value.strip()[:_MAX_TEXT]) if isinstance(value, str) else ""


def _as_list(value: object) -> list[object]:
    """Return the values of a member: JSON-LD allows one value instead of a list."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _values_of(nodes: Iterable[Object], *names: str) -> Iterator[object]:
    for node in nodes:
        for name in names:
            yield from _as_list(node.get(name))


def _objects(values: Iterable[object]) -> Iterator[Object]:
    """Yield the objects among the values. A text is short for an object with that action."""
    for value in values:
        if isinstance(value, Object):
            yield value
        elif isinstance(value, str):
            yield Object((("action", value),))


def _constraints(nodes: Iterable[Object]) -> Iterator[str]:
    for constraint in nodes:
        parts = (_text(constraint, name) for name in ("leftOperand", "operator", "rightOperand"))
        yield " ".join(parts)


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: a policy has conditions and an assigner, never a reservation."""
    return ()
