"""Whom documents name as rights holders, without what is personal.

Names of organisations, pages and role mailboxes are taken over; telephones, addresses and
mailboxes of persons stay in the evidence.
"""

from crawler.protocols import rsl, tdm_policy
from crawler.store.derived import Named
from crawler.store.dossier import Read

# Local parts of mailboxes that belong to an office, not to a person (RFC 2142 and usage).
_OFFICES = frozenset(
    "abuse admin anfrage contact contacto contatti copyright datenschutz hello hostmaster info "
    "kontakt legal lizenz lizenzen licence licences license licenses licensing mail office "
    "permissions post postmaster press presse privacy publisher redaktion rechte rights sales "
    "service support syndication tdm team webmaster".split()
)


def named(read: Read) -> Named | None:
    """The party that a reading names, None if it names nobody."""
    if read.protocol is tdm_policy:
        return _assigner(read)
    return _copyright(read) if read.protocol is rsl else None


def _assigner(read: Read) -> Named | None:
    """TDMRep, policy document: `assigner`, the party that offers the terms."""
    policy = tdm_policy.policy_of(read.reading)
    if policy is None or policy.assigner is None:
        return None
    who = policy.assigner
    return Named(
        source="tdm_policy.assigner",
        name=who.name or who.nickname or who.uid,
        uid=who.uid,
        contact_page=who.url,
        mailbox=_office(who.email),
        duties=", ".join(policy.duties),
    )


def _copyright(read: Read) -> Named | None:
    """RSL, `copyright`: the holder of the rights; the name of a person is left out."""
    found = rsl.copyright_of(read.reading)
    if found is None:
        return None
    name = "" if found.type.lower() == "person" else found.name
    mailbox = _office(found.contact_email)
    if not (name or found.contact_url or mailbox):
        return None
    return Named(
        source="rsl.copyright",
        name=name or found.contact_url or mailbox,
        uid="",
        contact_page=found.contact_url,
        mailbox=mailbox,
        duties="",
    )


def _office(email: str) -> str:
    """A mailbox if it belongs to an office; a person's is left out."""
    mailbox = email.removeprefix("mailto:")
    return mailbox if mailbox.partition("@")[0].lower() in _OFFICES else ""
