"""Current answers: which observation of a resource counts, and the path it is known by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.evaluate.current_answers import ObservationRow, current_answers
from crawler.evaluate.looks import is_as_before
from crawler.urls import canonical
from crawler.vocab import EXTERNAL, Outcome, Presence, Resource
from tests.strategies import UNTIMED

HOSTS = st.sampled_from(
    "a.test www.a-b.example xn--bcher-kva.example a.xn--p1ai 127.0.0.1 127.0.0.256 1.2.3 01.2.3.4 "
    "255.255.255.255 [::1] a.test. a..test -a.test A.test a_b.test a.1 localhost 0x7f.1 aé.test "
    "u:p@a.test".split()
)
PORTS = st.sampled_from(["", ":80", ":443", ":8080", ":59999", ":65535", ":65536", ":0", ":08080"])
PATHS = st.lists(
    st.sampled_from(
        ["/", "//", "a", ".", "..", "/.", "/..", "%2e", "%7E", "?q", "#f", " ", "é", "~"]
    )
).map("".join)


ASKED = "https://a.test/robots.txt"


def row(key, status=200, *, run=1, hop=0, asked=ASKED, resource=Resource.ROBOTS_TXT):
    """An observation; a status of None is a timeout."""
    return ObservationRow(
        key=key,
        run=run,
        stored=None,
        resource=resource.value,
        asked=asked,
        hop=hop,
        url=asked,
        outcome=(Outcome.TIMED_OUT if status is None else Outcome.RESPONDED).value,
        status=status,
        headers="[]",
        truncated=0,
        observed_at=f"2026-11-{key:02}T00:00:00.000Z",
        note="",
        confirmed=None,
    )


CHOICES = {
    "one answer": ([row(1)], (1, 1, Presence.PRESENT)),
    "one failure": ([row(1, None)], (1, 1, Presence.UNSEEN)),
    "a later answer replaces": ([row(1), row(2, run=2)], (2, 2, Presence.PRESENT)),
    "a later 404 replaces": ([row(1), row(2, 404, run=2)], (2, 2, Presence.ABSENT)),
    "a later failure does not": ([row(1), row(2, None, run=2)], (1, 2, Presence.PRESENT)),
    "nor a later 503": ([row(1, 404), row(2, 503, run=2)], (1, 2, Presence.ABSENT)),
    "nor do several": ([row(1), row(2, 503, run=2), row(3, None, run=3)], (1, 3, Presence.PRESENT)),
    "failures only": ([row(1, None), row(2, 503, run=2)], (2, 2, Presence.UNSEEN)),
    "an answer after a failure": ([row(1, None), row(2, run=2)], (2, 2, Presence.PRESENT)),
    "the end of a chain": ([row(1, 301), row(2, hop=1)], (2, 2, Presence.PRESENT)),
    "a chain that breaks off": (
        [row(1), row(2, 301, run=2), row(3, None, run=2, hop=1)],
        (1, 3, Presence.PRESENT),
    ),
    "the last hop, whatever the order": ([row(1, hop=1), row(2, 301)], (1, 1, Presence.PRESENT)),
}


@pytest.mark.parametrize(("rows", "expected"), CHOICES.values(), ids=CHOICES)
def test_current_answer_of_a_resource(rows, expected):
    (answer,) = current_answers(rows)
    assert (answer.row.key, answer.last.key, answer.presence) == expected


def path_of(url, resource=Resource.PAGE):
    (answer,) = current_answers([row(1, asked=url, resource=resource)])
    return answer.path


@pytest.mark.parametrize("resource", Resource)
def test_resources_elsewhere_are_known_by_their_url(resource):
    url = "https://a.test/x?q#f"
    assert path_of(url, resource) == (url if resource in EXTERNAL else "/x?q")


@UNTIMED
@given(
    scheme=st.sampled_from(["http://", "https://", "HTTP://", "//", ""]),
    host=HOSTS,
    port=PORTS,
    path=PATHS,
)
def test_paths_are_those_of_parsed_urls(scheme, host, port, path):
    url = f"{scheme}{host}{port}{path}"
    assert path_of(url) == canonical.path_of(url)


@pytest.mark.parametrize("length", [2_000, 200_000])
def test_long_paths_are_those_of_parsed_urls(length):
    url = "https://a.test/" + "a" * length
    assert path_of(url) == canonical.path_of(url)


def test_a_visit_with_another_certificate_did_not_find_the_same():
    def visit(run: int, certificate: str) -> list[ObservationRow]:
        return [row(run, run=run)._replace(certificate=certificate)]

    assert is_as_before(visit(1, "a"), visit(2, "a"))
    assert not is_as_before(visit(1, "a"), visit(2, "b"))


def test_only_whole_looks_with_a_robots_txt_are_as_the_one_before():
    robots = row(1, run=1)
    other = row(2, run=1, asked="https://a.test/", resource=Resource.HOME)
    again = [robots._replace(key=3, run=2), other._replace(key=4, run=2)]
    later = [one._replace(observed_at="2099-01-01T00:00:00.000Z") for one in again]
    assert is_as_before([robots, other], later)
    assert not is_as_before([], later)
    assert not is_as_before([robots], later)
    assert not is_as_before([other], later[1:])
    assert not is_as_before([robots, robots], [later[0], later[0]])
