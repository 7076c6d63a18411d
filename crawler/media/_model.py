"""Records of the extract of a media file, and their size limits."""

from dataclasses import dataclass

#: Limits of an extract: octets of all its XMP packets as JSON, and of the whole.
PACKETS_CAP, EXTRACT_CAP = 1024 * 1024, 2 * 1024 * 1024
#: Limits: characters of an XMP packet, packets of a file, elements of an EPUB package.
PACKET_CAP, PACKETS, ELEMENTS = 1024 * 1024, 4, 500
#: Limit for the characters of shorter texts: names, URLs, values, error messages.
TEXT_CAP = 2000
#: Limits: entries of an assertion, assertions of a file.
ENTRIES, ASSERTIONS = 50, 20


class UnreadableError(Exception):
    """A container or a part of it cannot be read; the message gives the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """An XMP packet.

    `place` is its position in the file, in words. `cut` is True if the text is incomplete.
    """

    place: str
    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class XmpElement:
    """A `meta` or `link` element of an EPUB package document; `tag` has no namespace prefix."""

    tag: str
    line: int
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""

    def get(self, name: str) -> str | None:
        """Return the value of an attribute, None if the element does not have it."""
        return next((value for key, value in self.attributes if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The package document of an EPUB.

    `path` is its path in the archive, `prefix` its attribute that declares the prefixes of
    properties.
    """

    path: str
    prefix: str
    elements: tuple[XmpElement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IimEntry:
    """A dataset of record 2 of IPTC IIM as text.

    `dataset` is its number: 80 (by-line), 110 (credit), 115 (source) or 116 (copyright notice).
    """

    dataset: int
    text: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A training and data mining assertion of a C2PA manifest.

    `active` is True for the manifest of the file itself, False for those of its ingredients.
    `claim` is the version of the manifest's claim. Each entry is (key, use, constraint
    information) as written.
    """

    manifest: str
    label: str
    active: bool
    claim: int
    entries: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The C2PA manifests of a file.

    `state` is the result of their validation (`Valid`, `Trusted` or `Invalid`), `codes` its
    status codes. `signer` is the organisation in the certificate of the file's own manifest; the
    name of a person is not kept.
    """

    state: str
    codes: tuple[str, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    signer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFault:
    """A part of a file that was not read, and the reason.

    `part` is `xmp`, `iim`, `pdf`, `epub`, `c2pa` or `file`.
    """

    part: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The extract of a media file. Its field names are the keys of the stored JSON.

    `kind` is detected from the first bytes: `jpeg`, `png`, `webp`, `gif`, `tiff`, `pdf`, `epub`,
    `heif`, `avif`, `mp4`, `mp3`, or empty for everything else. `faults` are the parts that could
    not be read.
    """

    kind: str = ""
    truncated: bool = False
    packets: tuple[Packet, ...] = ()
    package: Package | None = None
    credentials: Credentials | None = None
    iim: tuple[IimEntry, ...] = ()
    faults: tuple[MediaFault, ...] = ()
