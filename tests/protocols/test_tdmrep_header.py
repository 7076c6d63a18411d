"""TDMRep headers: values, repeats, names that resemble them."""

import pytest

from crawler.model import Document, Observation, Question, Target
from crawler.protocols import parse
from crawler.protocols.tdmrep import tdmrep_header
from crawler.vocab import DeclaredBy, Outcome, Resource

URL = "https://example.org/"


def read(*headers: tuple[str, str]):
    observation = Observation(
        target=Target(resource=Resource.HOME, asked=URL, url=URL),
        outcome=Outcome.RESPONDED,
        status=200,
        headers=headers,
    )
    return parse.read(tdmrep_header, observation)


def summary(reading):
    """Presence, counting and lenient stances, and issue codes."""
    applicable = tdmrep_header.statements_for(reading, Question())
    assert [applied.limited_to for applied in applicable] == [""] * len(applicable)
    counting = [one.statement.stance.value for one in applicable if one.statement.counts]
    meant = [one.statement.stance.value for one in applicable if not one.statement.counts]
    codes = [issue.code.removeprefix("tdmrep.") for issue in reading.issues]
    return reading.presence.value, counting, meant, codes


ONE, NIL = ("tdm-reservation", "1"), ("tdm-reservation", "0")
POLICY = ("tdm-policy", "https://provider.com/policy.json")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([NIL], ("present", ["permitted"], [], []), id="T16 header 0"),
        pytest.param([("server", "x")], ("absent", [], [], []), id="T17 no header, no reset"),
        pytest.param(
            [("tdm-reservation", "yes")],
            ("malformed", [], ["reserved"], ["type_mismatch"]),
            id="T18 invalid is unset",
        ),
        pytest.param([("TDM-Reservation", "  1 ")], ("present", ["reserved"], [], []), id="T19"),
        pytest.param(
            [ONE, ONE], ("malformed", [], ["reserved"], ["header.repeated"]), id="T20 two lines"
        ),
        pytest.param(
            [("tdm-reservation", "1, 1")],
            ("malformed", [], ["reserved"], ["header.repeated"]),
            id="T20 a list",
        ),
        pytest.param(
            [ONE, NIL],
            ("malformed", [], ["reserved", "permitted"], ["header.repeated"]),
            id="two that disagree",
        ),
        pytest.param([POLICY], ("present", [], [], ["policy_alone"]), id="T22"),
        pytest.param([NIL, POLICY], ("present", ["permitted"], [], []), id="T23"),
        pytest.param([ONE, POLICY], ("present", ["conditional"], [], []), id="1 and policy"),
        pytest.param(
            [("TDM-a", "1")], ("malformed", [], ["reserved"], ["legacy_header"]), id="T31"
        ),
        pytest.param(
            [("X-TDM-Reservation", "1"), ("X-TDM-Opt-Out", "1"), ONE],
            ("present", ["reserved"], [], ["nonstandard_header"] * 2),
            id="P32 made-up names",
        ),
        pytest.param(
            [("tdm-reservation", "2")],
            ("malformed", [], ["reserved"], ["value.not_a_bit"]),
            id="P27-2",
        ),
        pytest.param(
            [("tdm-reservation", "")], ("malformed", [], [], ["value.not_a_bit"]), id="P27-empty"
        ),
        pytest.param(
            [("tdm-reservation", "01")],
            ("malformed", [], ["reserved"], ["type_mismatch"]),
            id="P27-01",
        ),
        pytest.param(
            [("tdm_reservation", "1"), NIL],
            ("present", ["permitted"], ["reserved"], ["nonstandard_header"]),
            id="a misspelt field hides nothing",
        ),
        pytest.param(
            [("tdm-polcy", "/p"), ONE],
            ("present", ["reserved"], [], ["nonstandard_header"]),
            id="a misspelt policy",
        ),
        pytest.param(
            [("tdm-reservation", '"1"')],
            ("malformed", [], ["reserved"], ["type_mismatch"]),
            id="P27-quoted",
        ),
        pytest.param(
            [("tdm-reservation", "true")],
            ("malformed", [], ["reserved"], ["type_mismatch"]),
            id="P27-true",
        ),
        pytest.param(
            [ONE, ("tdm-policy", "see our terms")],
            ("present", ["reserved"], [], ["policy.not_a_url"]),
            id="a policy one cannot visit",
        ),
        pytest.param(
            [ONE, POLICY, ("tdm-policy", "/b")],
            ("present", ["conditional"], [], ["header.repeated"]),
            id="two policies",
        ),
        pytest.param(
            [("tdm-reservation", "caf\udce9")],
            ("malformed", [], [], ["value.not_a_bit"]),
            id="octets that are no text",
        ),
    ],
)
def test_header_values(headers, expected):
    assert summary(read(*headers)) == expected


def test_a_statement_quotes_its_line():
    reading = read(("x", "y"), ("tdm-policy", "/terms"), ("TDM-Reservation", "1"))
    (one,) = reading.statements
    assert (one.raw, one.line, one.place) == ("TDM-Reservation: 1", 2, "header tdm-reservation")
    assert (one.n, one.tier, one.rule, one.policy) == (1, 1, "tdmrep.header.1", "/terms")
    assert (one.declared_by, reading.names) == (DeclaredBy.HEADER, ("/terms",))


def test_the_policy_of_a_permission_is_recorded_and_not_visited():
    reading = read(NIL, POLICY)
    assert (reading.statements[0].policy, reading.names) == (POLICY[1], ())


def test_a_policy_alone_is_quoted():
    assert read(POLICY).issues[0].excerpt == "tdm-policy: https://provider.com/policy.json"


def test_a_line_without_a_colon_is_absent():
    reading = tdmrep_header.parse(Document(body=b"tdm-reservation 1\r\n"))
    assert summary(reading) == ("absent", [], [], [])
