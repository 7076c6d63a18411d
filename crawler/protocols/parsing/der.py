"""X.509 certificates in DER, as far as they say to whom they were issued (RFC 5280, X.690).

Rules for editors: any octets may come in. `ValueError` is raised for what is no certificate, and
nothing else.
"""

from collections.abc import Iterator
from typing import NamedTuple

_SEQUENCE, _OID, _EXTENSIONS, _OCTETS, _VERSION = 0x30, 0x06, 0xA3, 0x04, 0xA0
# id-at-organizationName 2.5.4.10, and id-ce-certificatePolicies 2.5.29.32.
_ORGANISATION, _POLICIES = b"\x55\x04\x0a", b"\x55\x1d\x20"
_UTF16, _LATIN = 0x1E, 0x14
_MAX_LENGTH_OCTETS = 4


class Subject(NamedTuple):
    """The organisation that a certificate names, and the policies it was issued under.

    `policies` are object identifiers as octets in DER.
    """

    organisation: str
    policies: frozenset[bytes]


def subject_of(certificate: bytes) -> Subject:
    """Return the subject of a certificate. Raise `ValueError` for octets that are none."""
    (tag, whole), *_ = _elements(certificate)
    if tag != _SEQUENCE:
        raise ValueError("no certificate")
    (tag, to_be_signed), *_ = _elements(whole)
    fields = list(_elements(to_be_signed))
    # RFC 5280, 4.1: version, serial number, signature, issuer, validity, subject.
    fields = fields[1:] if fields and fields[0][0] == _VERSION else fields
    if tag != _SEQUENCE or len(fields) < 6:
        raise ValueError("no certificate")
    extensions = [value for tag, value in fields[6:] if tag == _EXTENSIONS]
    return Subject(
        next(_organisations(fields[4][1]), ""),
        frozenset(oid for value in extensions for oid in _policies(value)),
    )


def _organisations(name: bytes) -> Iterator[str]:
    """Yield the organisations in a name (RFC 5280, 4.1.2.4)."""
    for _, relative in _elements(name):
        for _, attribute in _elements(relative):
            parts = list(_elements(attribute))
            if len(parts) == 2 and parts[0] == (_OID, _ORGANISATION):
                yield _text(*parts[1])


def _policies(extensions: bytes) -> Iterator[bytes]:
    """Yield the policies among the extensions (RFC 5280, 4.2.1.4)."""
    for _, listed in _elements(extensions):
        for _, extension in _elements(listed):
            parts = list(_elements(extension))
            if parts and parts[0] == (_OID, _POLICIES) and parts[-1][0] == _OCTETS:
                for _, policies in _elements(parts[-1][1]):
                    for _, policy in _elements(policies):
                        yield from [v for tag, v in list(_elements(policy))[:1] if tag == _OID]


def _text(tag: int, value: bytes) -> str:
    if tag == _UTF16:
        return value.decode("utf-16-be", "replace")
    return value.decode("latin-1" if tag == _LATIN else "utf-8", "replace")


def _elements(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each element (X.690, 8.1). Raise `ValueError` if one breaks off."""
    offset = 0
    while offset < len(octets):
        if offset + 2 > len(octets):
            raise ValueError("an element breaks off")
        tag, length = octets[offset], octets[offset + 1]
        offset += 2
        if length & 0x80:
            count = length & 0x7F
            if not 0 < count <= _MAX_LENGTH_OCTETS:
                raise ValueError("a length that DER does not have")
            length = int.from_bytes(octets[offset : offset + count], "big")
            offset += count
        if offset + length > len(octets):
            raise ValueError("an element breaks off")
        yield tag, octets[offset : offset + length]
        offset += length
