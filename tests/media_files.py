"""Build small media files for tests: real containers with given metadata."""

import io
import struct
import zipfile
import zlib

PLUS = "http://ns.useplus.org/ldf/xmp/1.0/"
VOCABULARY = "http://ns.useplus.org/ldf/vocab/"
TDM = "http://www.w3.org/ns/tdmrep/"
CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="x"/></rootfiles></container>'
)


def xmp(inside: str = "", attributes: str = "") -> str:
    """Return an XMP packet with elements and attributes in its description."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'<rdf:Description rdf:about="" {attributes}>{inside}</rdf:Description>\n'
        '</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    )


def plus(value: str, rest: str = "") -> str:
    """Return a packet with a PLUS data mining value."""
    return xmp(attributes=f'xmlns:plus="{PLUS}" plus:DataMining="{value}" {rest}')


def tdm(*, reservation: str = "1", policy: str = "", space: str = TDM) -> str:
    """Return a packet with the properties of TDMRep."""
    reserved = f"<tdm:reservation>{reservation}</tdm:reservation>" if reservation else ""
    terms = f"<tdm:policy>{policy}</tdm:policy>" if policy else ""
    return xmp(reserved + terms, f'xmlns:tdm="{space}"')


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(*packets: str, more: bytes = b"") -> bytes:
    """Return a JPEG of one grey pixel; `more` are segments after the packets."""
    header = b"http://ns.adobe.com/xap/1.0/\0"
    apps = b"".join(segment(0xE1, header + packet.encode()) for packet in packets)
    jfif = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    frame = segment(0xC0, b"\x08\0\1\0\1\1\1\x11\0")
    scan = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x00\xff\xd9"
    return b"\xff\xd8" + jfif + apps + more + frame + scan


def iim(*datasets: tuple[int, int, bytes]) -> bytes:
    """Return an IIM record of (record, dataset, value)."""
    return b"".join(
        bytes((0x1C, record, number)) + len(value).to_bytes(2) + value
        for record, number, value in datasets
    )


def photoshop(*resources: tuple[int, bytes], name: bytes = b"", size: int = 60_000) -> bytes:
    """Return image resources (number, content) in APP13 segments of at most `size` octets."""
    header, written = b"Photoshop 3.0\0", b""
    for number, content in resources:
        padded = bytes((len(name),)) + name + (b"" if len(name) % 2 else b"\0")
        written += b"8BIM" + number.to_bytes(2) + padded + len(content).to_bytes(4) + content
        written += b"\0" * (len(content) % 2)
    pieces = [written[n : n + size] for n in range(0, len(written), size)] or [b""]
    return b"".join(segment(0xED, header + piece) for piece in pieces)


def extended(packet: bytes, digest: bytes = b"A" * 32) -> bytes:
    """Return the segments of a packet that is too long for one, in reverse order."""
    pieces = [
        (offset, packet[offset : offset + 40_000]) for offset in range(0, len(packet), 40_000)
    ]
    return b"".join(
        segment(
            0xE1,
            b"http://ns.adobe.com/xmp/extension/\0"
            + digest
            + struct.pack(">II", len(packet), offset)
            + piece,
        )
        for offset, piece in reversed(pieces)
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(packet: str | bytes = "", *, compressed: bool = False, late: bool = False) -> bytes:
    """Return a PNG of one pixel; a late packet comes after the pixels."""
    octets = packet.encode() if isinstance(packet, str) else packet
    text = zlib.compress(octets) if compressed else octets
    itxt = b"XML:com.adobe.xmp\0" + bytes([compressed]) + b"\0\0\0" + text
    chunk = _chunk(b"iTXt", itxt) if packet else b""
    pixels = _chunk(b"IDAT", zlib.compress(b"\0\0"))
    body = pixels + chunk if late else chunk + pixels
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + body + _chunk(b"IEND", b"")


def webp(packet: str) -> bytes:
    """Return a WebP with a chunk of odd length before the packet."""
    octets = packet.encode()
    chunks = b"VP8X" + struct.pack("<I", 10) + b"\x04" + b"\0" * 9
    chunks += b"ODD " + struct.pack("<I", 1) + b"x\0"
    chunks += b"XMP " + struct.pack("<I", len(octets)) + octets
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def gif(packet: str) -> bytes:
    magic = bytes([1, *range(255, -1, -1), 0])
    block = b"\x21\xff\x0bXMP DataXMP" + packet.encode() + magic
    return b"GIF89a\1\0\1\0\0\0\0" + block + b";"


def tiff(packet: str, order: str = "<") -> bytes:
    octets = packet.encode()
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    entries = struct.pack(f"{order}HHHII", 2, 256, 3, 1, 1)
    entries += struct.pack(f"{order}HHII", 700, 1, len(octets), 8 + 2 + 24 + 4)
    return head + entries + struct.pack(f"{order}I", 0) + octets


def epub(
    opf: str, *, container: str = CONTAINER, mimetype: bool = True, path: str = "OEBPS/book.opf"
):
    """Return an EPUB with one package document and no other content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        if mimetype:
            archive.writestr(zipfile.ZipInfo("mimetype"), "application/epub+zip")
        archive.writestr(zipfile.ZipInfo("META-INF/container.xml"), container)
        archive.writestr(zipfile.ZipInfo(path), opf, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def opf(*elements: str, prefix: str = "tdm: http://www.w3.org/ns/tdmrep#") -> str:
    return (
        f'<package xmlns="http://www.idpf.org/2007/opf" version="3.0" prefix="{prefix}">\n'
        f"<metadata>\n{''.join(e + chr(10) for e in elements)}</metadata>\n</package>"
    )


def pdf(packet: str | bytes = "", *, flate: bool = False, more: str = "") -> bytes:
    """Return a PDF of one empty page, with its cross-reference table."""
    octets = packet.encode() if isinstance(packet, str) else packet
    content = zlib.compress(octets, 9) if flate else octets
    extra = f"{'/Filter /FlateDecode ' if flate else ''}{more}"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %s>>" % (b"/Metadata 4 0 R " if packet else b""),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
        f"<< /Type /Metadata /Subtype /XML {extra} /Length {len(content)} >>".encode()
        + b"\nstream\n"
        + content
        + b"\nendstream",
    ]
    out, offsets = b"%PDF-1.7\n", []
    for number, obj in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, obj)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + table
    return out + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
