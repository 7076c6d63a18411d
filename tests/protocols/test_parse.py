"""From responses to readings: presence by status, documents, and a crash as an issue."""

import types

import pytest

from crawler.model import Document, Observation, Target
from crawler.protocols import PROTOCOLS
from crawler.protocols import parse as steps
from crawler.protocols.robots import robots_txt
from crawler.protocols.tdmrep import tdmrep_header
from crawler.vocab import Outcome, Presence, Resource

TARGET = Target(
    resource=Resource.ROBOTS_TXT, asked="https://h/robots.txt", url="https://h/robots.txt"
)


def seen(status: int | None = 200, outcome: Outcome = Outcome.RESPONDED, **facts) -> Observation:
    return Observation(target=TARGET, outcome=outcome, status=status, **facts)


PRESENCE = [
    ("200", seen(200), Presence.PRESENT),
    ("206", seen(206), Presence.PRESENT),
    ("204", seen(204), Presence.ABSENT),
    ("R42: 404", seen(404), Presence.ABSENT),
    ("410", seen(410), Presence.ABSENT),
    ("R43: 503", seen(503), Presence.UNSEEN),
    ("401", seen(401), Presence.UNSEEN),
    ("403", seen(403), Presence.UNSEEN),
    ("429", seen(429), Presence.UNSEEN),
    ("451", seen(451), Presence.UNSEEN),
    ("a redirect that was not followed", seen(301), Presence.UNSEEN),
    ("too large, but begun", seen(200, Outcome.TOO_LARGE), Presence.PRESENT),
    ("R43: timed out", seen(None, Outcome.TIMED_OUT), Presence.UNSEEN),
    ("withheld", seen(None, Outcome.WITHHELD), Presence.UNSEEN),
    ("redirect limit", seen(None, Outcome.REDIRECT_LIMIT), Presence.UNSEEN),
]


@pytest.mark.parametrize(
    ("observation", "expected"), [p[1:] for p in PRESENCE], ids=[p[0] for p in PRESENCE]
)
def test_presence(observation, expected):
    assert steps.presence_of(observation) is expected


def test_a_body_of_an_error_is_never_read():
    reading = steps.read(robots_txt, seen(503, body=b"User-agent: *\nDisallow: /"))
    assert (reading.presence, reading.statements) == (Presence.UNSEEN, ())


def test_a_body_is_read_with_what_the_server_said_of_it():
    observation = seen(
        headers=(("CONTENT-type", "Text/HTML; Charset='UTF-8'"),), body=b"x", truncated=True
    )
    expected = Document(body=b"x", media_type="text/html", charset="utf-8", truncated=True)
    assert steps.document(robots_txt, observation) == expected


def test_header_lines_of_a_protocol_keep_order_case_and_repetition():
    headers = (
        ("TDM-Reservation", " 1 "),
        ("Server", "x"),
        ("tdm-policy", "/p"),
        ("tdm-reservation", "0"),
    )
    document = steps.document(tdmrep_header, seen(headers=headers))
    assert document.body == b"TDM-Reservation: 1\r\ntdm-policy: /p\r\ntdm-reservation: 0\r\n"


def test_a_protocol_without_its_headers_is_absent():
    assert steps.read(tdmrep_header, seen()).presence is Presence.ABSENT


def test_a_crash_is_an_issue_and_the_run_goes_on():
    def parse(_document):
        raise RuntimeError("boom")

    broken = types.SimpleNamespace(NAME="broken", parse=parse)
    reading = steps.parse(broken, Document(body=b""))
    assert reading.presence is Presence.UNSEEN
    assert [(i.code, i.excerpt) for i in reading.issues] == [
        ("internal.crash", "broken: RuntimeError('boom')")
    ]


def test_every_protocol_reads_something_and_says_what():
    for protocol in PROTOCOLS:
        assert protocol.RESOURCES
        assert protocol.SPEC
        assert protocol.TITLE
    assert len({p.NAME for p in PROTOCOLS}) == len(PROTOCOLS)
