"""Names on labelled pages: how many are right, how many are found, and that no person is public.

labels.toml says who is named where. Its own pages are built by shapes.py; those of the corpus of
real files are read where it is there. docs/reference/parties.md holds the numbers.
"""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from crawler import media, page
from crawler.model import Document, Party
from crawler.organisations import comparable
from crawler.protocols.context import copyright_notice, rights_metadata
from crawler.protocols.media import media_parties
from tests.media_files import iim, jpeg, photoshop
from tests.parties.shapes import SHAPES

ROOT = Path(__file__).parents[2]
LABELS = tomllib.loads((Path(__file__).parent / "labels.toml").read_text("utf-8"))
#: Roles in which a party counts as named for the page.
NAMING = ("holder", "publisher")
#: What names a party on a built page, by the place that a label gives.
SOURCES = {
    "foot": ("copyright_notice.foot", "copyright_notice.end"),
    "publisher": ("schema.publisher",),
    "holder": ("schema.copyrightHolder",),
    "microdata": ("schema.publisher",),
    "rdfa": ("schema.publisher",),
    "rdfa:holder": ("schema.copyrightHolder",),
    "rdfa:dc": ("dcterms.",),
    "og:site_name": ("og.site_name",),
    "meta": ("meta.", "dc.", "dcterms."),
}


def parties(body: bytes) -> list[Party]:
    document = Document(body=page.extract(body))
    return [
        *rights_metadata.parse(document).parties,
        *copyright_notice.parse(document).parties,
    ]


def right(label: dict[str, object]) -> set[str]:
    return {comparable(name) for name in (label["holder"], *label.get("also", ())) if name}


READ = [(label, parties(SHAPES[label["shape"]](label).encode())) for label in LABELS["page"]]


def places(label) -> list[str]:
    """Where the right name is on a page, as `SOURCES` calls it."""
    texts = {"foot": label.get("foot", "")} | label.get("names", {})
    return [
        place if place in SOURCES else "rdfa:dc" if place.startswith("rdfa:dc") else "meta"
        for place, text in texts.items()
        if label["holder"] and label["holder"] in text and place != "parent"
    ]


def test_there_are_enough_labelled_pages():
    assert len(LABELS["page"]) >= 150
    assert len(LABELS["corpus"]) >= 40
    assert {label["shape"] for label in LABELS["page"]} == set(SHAPES)


def test_names_of_high_and_medium_confidence_are_right():
    said = [
        comparable(party.name) in right(label)
        for label, found in READ
        for party in found
        if party.name and party.role in NAMING and party.confidence != "low"
    ]
    assert len(said) > 100
    assert sum(said) / len(said) >= 0.95


@pytest.mark.parametrize(("label", "found"), READ, ids=range(len(READ)))
def test_no_page_names_others_as_its_holder(label, found):
    names = {comparable(p.name) for p in found if p.name and p.role in NAMING}
    assert names <= right(label)
    # Names as written, not as compared.
    assert {p.name for p in found if comparable(p.name) == comparable(label["holder"])} <= {
        label["holder"], ""
    }  # fmt: skip


def owners(label) -> list[Party]:
    """The parties of a JPEG with the IIM records of a label."""
    datasets = ((2, int(n), text.encode()) for n, text in label["iim"].items())
    body = jpeg(more=photoshop((0x0404, iim((1, 90, b"\x1b%G"), *datasets))))
    return list(media_parties.parse(Document(body=media.extract(body))).parties)


@pytest.mark.parametrize("label", LABELS["media"], ids=[str(one["iim"]) for one in LABELS["media"]])
def test_records_of_pictures_name_their_owner_and_no_person(label):
    found = owners(label)
    named = {comparable(p.name) for p in found if p.name and p.role == "owner"}
    assert named == {comparable(label["owner"])} - {""}
    public = [p.name + p.uid + p.licence_page for p in found]
    assert label.get("person", "Photographer") not in repr(public)
    assert all(p.confidence == "low" for p in found)


PERSONS = [(label, found) for label, found in READ if "person" in label]


@pytest.mark.parametrize(("label", "found"), PERSONS, ids=[one["person"] for one, _ in PERSONS])
def test_names_of_persons_are_private(label, found):
    public = [p.name + p.uid + p.licence_page + "".join(p.identifiers) for p in found]
    assert label["person"] not in repr(public)
    assert "Photographer" not in repr(public)


def recall() -> dict[str, tuple[int, int]]:
    """Of each source: on how many pages it names the holder, and on how many that was found."""
    stated, found = Counter(), Counter()
    for label, named in READ:
        for place in places(label):
            stated[place] += 1
            found[place] += any(
                p.name == label["holder"] and p.source.startswith(SOURCES[place]) for p in named
            )
    for label in LABELS["media"]:
        if label["owner"]:
            stated["iim"] += 1
            found["iim"] += any(
                comparable(p.name) == comparable(label["owner"]) for p in owners(label)
            )
    return {place: (found[place], stated[place]) for place in stated}


def test_recall_by_source_is_as_documented():
    text = (ROOT / "docs/reference/parties.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w:]+)` \| .*? \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert {place: (int(a), int(b)) for place, b, a in rows} == recall()


@pytest.mark.corpus
def test_pages_of_the_corpus_name_whom_people_read(corpus):
    said, found = [], 0
    for name, holders in LABELS["corpus"].items():
        named = parties((corpus / "html" / name).read_bytes())
        expected = set(map(comparable, holders))
        public = [p for p in named if p.name and p.role in NAMING]
        said += [comparable(p.name) in expected for p in public if p.confidence != "low"]
        assert {comparable(p.name) for p in public} <= expected, name
        found += any(comparable(p.name) in expected for p in public)
    assert all(said)
    text = (ROOT / "docs/reference/parties.md").read_text("utf-8")
    stated = sum(map(bool, LABELS["corpus"].values()))
    assert f"{found} of the {stated} pages of the corpus that name an organisation" in text
