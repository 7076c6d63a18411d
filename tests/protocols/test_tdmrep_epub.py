"""TDMRep in the package of an EPUB, of version 2 and of version 3."""

import pytest

from crawler import media
from crawler.model import Document
from crawler.protocols.tdmrep import tdmrep_epub as protocol
from crawler.vocab import DeclaredBy
from tests.media_files import epub, opf
from tests.protocols.protocol_tables import applicable, codes, meant

ONE = '<meta property="tdm:reservation">1</meta>'
OLD = '<meta name="tdm:reservation" content="1"/>'
POLICY = '<meta property="tdm:policy">https://provider.com/policy.json</meta>'
SLASH = "tdm: http://www.w3.org/ns/tdmrep/"


def read(*elements: str, prefix: str = "tdm: http://www.w3.org/ns/tdmrep#"):
    package = epub(opf(*elements, prefix=prefix))
    return protocol.parse(Document(body=media.extract(package)))


def summary(reading):
    found = applicable(protocol, reading, "/a.epub"), meant(protocol, reading, "/a.epub")
    return reading.presence.value, *found, codes(reading)


RESERVED = ("present", ["tdm reserved"], [], [])
NOTHING = ("absent", [], [], [])


def lenient(*issues: str):
    return "malformed", [], ["tdm reserved"], list(issues)


@pytest.mark.parametrize(
    ("elements", "prefix", "expected"),
    [
        pytest.param([ONE], None, RESERVED, id="EPUB 3"),
        pytest.param([OLD], "", RESERVED, id="EPUB 2, no prefix to bind"),
        pytest.param([ONE, POLICY], None, ("present", ["tdm conditional"], [], []), id="policy"),
        pytest.param(
            [OLD, '<meta name="tdm:policy" content="https://a.example/p"/>'],
            None,
            ("present", ["tdm conditional"], [], []),
            id="EPUB 2, policy",
        ),
        pytest.param(
            [ONE.replace(">1<", ">0<")], None, ("present", ["tdm permitted"], [], []), id="0"
        ),
        pytest.param([ONE], "", lenient("epub.prefix"), id="a prefix that is not bound"),
        pytest.param([ONE], SLASH, lenient("epub.namespace"), id="the namespace of PDF"),
        pytest.param(
            [ONE.replace("tdm:", "t:")],
            "a: b t: http://www.w3.org/ns/tdmrep#",
            RESERVED,
            id="another prefix",
        ),
        pytest.param([OLD.replace("tdm:", "TDM:")], None, lenient("epub.name"), id="upper case"),
        pytest.param(
            [OLD.replace("tdm:", "tdm-")], None, lenient("epub.name"), id="the name HTML uses"
        ),
        pytest.param(
            ['<meta property="tdm:tdm-reservation">1</meta>'],
            None,
            lenient("epub.name"),
            id="the name twice",
        ),
        pytest.param(
            ['<link rel="tdm:policy" href="https://a.example/p"/>', ONE],
            None,
            ("present", ["tdm reserved"], [], ["epub.link"]),
            id="a link is no policy",
        ),
        pytest.param(
            ['<meta refines="#a" property="tdm:reservation">1</meta>'],
            None,
            lenient("epub.refines"),
            id="of a part",
        ),
        pytest.param([POLICY], None, ("present", [], [], ["policy_alone"]), id="policy alone"),
        pytest.param(
            ['<meta property="tdm:location">/</meta>', '<meta name="cover" content="x"/>'],
            None,
            NOTHING,
            id="others",
        ),
        pytest.param([], None, NOTHING, id="none"),
    ],
)
def test_elements(elements, prefix, expected):
    given = {} if prefix is None else {"prefix": prefix}
    assert summary(read(*elements, **given)) == expected


def test_a_statement_quotes_its_element():
    reading = read("<dc:title>x</dc:title>", OLD, POLICY)
    (one,) = reading.statements
    assert (one.rule, one.line, one.raw) == ("tdmrep.epub.1", 4, OLD)
    assert (one.place, one.declared_by) == (
        "OEBPS/book.opf, tdm:reservation",
        DeclaredBy.MEDIA_FILE,
    )
    assert reading.names == ("https://provider.com/policy.json",)


def test_a_truncated_epub_is_unseen():
    cut = media.extract(epub(opf(ONE))[:-40], truncated=True)
    reading = protocol.parse(Document(body=cut))
    assert (reading.presence.value, codes(reading)) == ("unseen", ["unread"])
