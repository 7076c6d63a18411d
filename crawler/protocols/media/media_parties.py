"""Parties that a media file names: owner and licensor in XMP and IIM (IPTC), and a C2PA signer.

They are parties of that file. A site shows files of others, so nothing is said about the site.
"""

from collections.abc import Iterator

from crawler import media
from crawler.media import Media
from crawler.model import AppliedStatement, Document, Party, Question, Reading
from crawler.protocols.interface import Carrier
from crawler.protocols.media import _metadata
from crawler.protocols.media._metadata import Structure
from crawler.protocols.parsing import parties
from crawler.protocols.parsing.notice_text import name_in
from crawler.vocab import Presence, Resource

NAME = "media_parties"
VERSION = 2
TITLE = "Owner, licensor and signer of a media file"
SPEC = "https://www.iptc.org/std/photometadata/specification/IPTC-PhotoMetadata"
FAMILY = "media_parties"
RANK = 0
CARRIER = Carrier.MEDIA
RESOURCES = frozenset({Resource.MEDIA})
HEADERS: tuple[str, ...] = ()
CONTEXT_ONLY = True

_PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/"
_DC = "http://purl.org/dc/elements/1.1/"
_SPACES = frozenset({_PLUS, _RIGHTS, _DC})


def parse(document: Document, /) -> Reading:
    """Return a reading with the parties in an extract of a media file."""
    extract = media.read(document.body)
    structures = list(_metadata.find_structures(extract, _SPACES))
    statement = next(
        (
            s.fields.get("", "")
            for s in structures
            if (s.space, s.name) == (_RIGHTS, "WebStatement")
        ),
        "",
    )
    named = [_party(s, extract.kind, statement) for s in structures]
    found = parties.unique_parties([*named, *_of_iim(extract), *_signers(extract)])
    return Reading(presence=Presence.PRESENT if found else Presence.ABSENT, parties=found)


def _party(found: Structure, kind: str, statement: str) -> Party | None:
    """Return the party that a property names. `statement` is the URL of a statement of rights."""
    value, place = found.fields, f"XMP of the {kind} file, {found.place}, line {found.line}"
    match found.space, found.name:
        case (space, "CopyrightOwner") if space == _PLUS:
            return parties.make_party(
                "xmp.plus.CopyrightOwner",
                "owner",
                parties.MEDIUM,
                name=value.get("CopyrightOwnerName", ""),
                identifiers=(value.get("CopyrightOwnerID", ""),),
                licence_page=statement,
                place=place,
            )
        case (space, "Licensor") if space == _PLUS:
            return parties.make_party(
                "xmp.plus.Licensor",
                "licensor",
                parties.MEDIUM,
                name=value.get("LicensorName", ""),
                identifiers=(value.get("LicensorID", ""),),
                licence_page=value.get("LicensorURL", "") or statement,
                contact=(value.get("LicensorEmail", ""),),
                personal=[v for name, v in value.items() if "Telephone" in name],
                place=place,
            )
        case (space, "Owner") if space == _RIGHTS:
            name = value.get("", "")
            return parties.make_party(
                "xmp.rights.Owner", "owner", parties.MEDIUM, name=name, place=place
            )
        case (space, "rights") if space == _DC:
            name = name_in(" ".join(value.get("", "").split())[:500])
            return parties.make_party("xmp.dc.rights", "owner", parties.LOW, name=name, place=place)
    return None


# IIM 4.2, 6.3: the notice, the original owner, and who provides or made the picture.
_IIM = {
    116: ("iim.CopyrightNotice", "owner"),
    115: ("iim.Source", "owner"),
    110: ("iim.Credit", "candidate"),
    80: ("iim.ByLine", "candidate"),
}


def _of_iim(extract: Media) -> Iterator[Party | None]:
    """Yield the parties of the IIM records; by-lines of persons are not in an extract."""
    for entry in extract.iim:
        source, role = _IIM.get(entry.dataset, ("", ""))
        if source:
            # A notice often lacks the sign: the dataset says what it is.
            name = name_in(entry.text) if role == "owner" else entry.text
            place = f"IIM 2:{entry.dataset} of the {extract.kind} file, {entry.place}"
            yield parties.make_party(source, role, parties.LOW, name=name, place=place)


def _signers(extract: Media) -> Iterator[Party | None]:
    """Yield the organisation that signed the manifest of the file; no trust list is consulted."""
    credentials = extract.credentials
    if credentials is not None and credentials.signer and credentials.state != "Invalid":
        place = f"C2PA manifest of the {extract.kind} file"
        yield parties.make_party(
            "c2pa.signer", "signer", parties.LOW, name=credentials.signer, place=place
        )


def statements_for(_reading: Reading, _question: Question, /) -> tuple[AppliedStatement, ...]:
    """Return nothing: who owns a file says nothing about mining it."""
    return ()
