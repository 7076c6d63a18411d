"""The organisation in a server's certificate, where an authority validated it (OV and EV).

It is who runs the server, often a network for delivery, and no rights holder. Certificates that
prove only a domain are not kept.
"""

from crawler.model import AppliedStatement, Document, Issue, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.parsing import der, parties
from crawler.vocab import Presence, Resource

NAME = "certificate"
VERSION = 1
TITLE = "Organisation in the server's certificate"
SPEC = "https://cabforum.org/working-groups/server/baseline-requirements/requirements/"
FAMILY = "certificate"
RANK = 0
CARRIER = Carrier.CERTIFICATE
RESOURCES = frozenset({Resource.HOME})
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

# CA/Browser Forum, Baseline Requirements, 7.1.6.1: organization-validated 2.23.140.1.2.2 and
# extended-validation 2.23.140.1.1, as octets in DER.
_VALIDATED = frozenset((b"\x67\x81\x0c\x01\x02\x02", b"\x67\x81\x0c\x01\x01"))


def names_organisation(certificate: bytes) -> bool:
    """Return whether a certificate in DER names an organisation that an authority validated."""
    try:
        subject = der.subject_of(certificate)
    except ValueError:
        return False
    return bool(subject.organisation) and bool(subject.policies & _VALIDATED)


def parse(document: Document, /) -> Reading:
    """Return a reading with the organisation of a certificate that verified."""
    if not names_organisation(document.body):
        other = Issue(code=f"{FAMILY}.other_format")
        return Reading(presence=Presence.MALFORMED, issues=(other,))
    party = parties.make_party(
        f"{NAME}.organisation",
        "operator",
        parties.HIGH,
        name=der.subject_of(document.body).organisation,
        is_person=False,
        place="subject",
    )
    return Reading(presence=Presence.PRESENT, parties=parties.unique_parties([party]))


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: who runs a server says nothing about mining."""
    return ()
