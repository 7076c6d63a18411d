"""What an extract of a media file holds."""

from dataclasses import dataclass

#: Characters of one XMP packet, packets of a file, elements of an EPUB package.
PACKET_CAP, PACKETS, ELEMENTS = 1024 * 1024, 4, 500
#: Characters of any shorter text: names, URLs, values, faults.
TEXT_CAP = 2000
ENTRIES, ASSERTIONS = 50, 20


class UnreadableError(Exception):
    """A container, or a part of one, that could not be read; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """An XMP packet: where it stands, its text, and whether more of it would have come."""

    place: str
    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class XmpElement:
    """A `meta` or `link` element of an EPUB package document, without namespace prefix."""

    tag: str
    line: int
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""

    def get(self, name: str) -> str | None:
        """The value of an attribute, None when the element does not have it."""
        return next((value for key, value in self.attributes if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The package document of an EPUB: its path in the archive and its `prefix` attribute."""

    path: str
    prefix: str
    elements: tuple[XmpElement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A training and data mining assertion of a C2PA manifest.

    `active` tells the manifest of this very file from those of what it was made of.
    `claim` is the version of the manifest's claim. Each entry is key, use and the information
    about constraints, as written.
    """

    manifest: str
    label: str
    active: bool
    claim: int
    entries: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The C2PA manifests of a file: the state of their validation and its codes, which are
    `Valid`, `Trusted` or `Invalid`, and the assertions. Who signed is not kept.
    """

    state: str
    codes: tuple[str, ...] = ()
    assertions: tuple[Assertion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFault:
    """A part that was not read: `xmp`, `pdf`, `epub`, `c2pa` or `file`, and why."""

    part: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """What a media file says about its own use.

    `kind` is told by how the file begins: `jpeg`, `png`, `webp`, `gif`, `tiff`, `pdf`, `epub`,
    `heif`, `avif`, `mp4`, `mp3`, or empty for everything else.
    """

    kind: str = ""
    truncated: bool = False
    packets: tuple[Packet, ...] = ()
    package: Package | None = None
    credentials: Credentials | None = None
    faults: tuple[MediaFault, ...] = ()
