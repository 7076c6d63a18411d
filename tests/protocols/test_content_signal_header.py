"""Content-Signal headers."""

import pytest

from crawler.protocols.content_signals import content_signal_header as protocol
from crawler.vocab import DeclaredBy
from tests.protocols.protocol_tables import answered, applicable, codes, meant

NO, YES = "ai_train reserved", "ai_train permitted"


def field(*values: str):
    return answered(protocol, *(("Content-Signal", value) for value in values))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["ai-train=no"], ("present", [NO], [], []), id="C02"),
        pytest.param(
            ["ai-train=yes, search=yes, ai-input=yes"],
            ("present", [YES, "search permitted", "ai_input permitted"], [], []),
            id="C12 the converter's default",
        ),
        pytest.param(["ai-train=no", "ai-train=yes"], ("present", [NO, YES], [], []), id="C09"),
        pytest.param(["ai-train=maybe"], ("malformed", [], [], ["value"]), id="C07"),
        pytest.param(["train-ai=n"], ("malformed", [], [NO], ["near_miss"]), id="C10"),
        pytest.param(["x", "ai-train=0"], ("malformed", [], [NO], ["syntax", "value"]), id="meant"),
        pytest.param(["caf\udce9"], ("malformed", [], [], ["syntax"]), id="octets"),
        pytest.param(["ai-train=no"] * 30, ("present", [NO] * 20, [], []), id="many lines"),
        pytest.param([], ("absent", [], [], []), id="P44 no header"),
    ],
)
def test_values(values, expected):
    reading = field(*values)
    counting, lenient = applicable(protocol, reading), meant(protocol, reading)
    assert (reading.presence.value, counting, lenient, codes(reading)) == expected


def test_a_statement_quotes_its_line():
    _, two = field("search=yes", "ai-train=no").statements
    assert (two.raw, two.line, two.n) == ("Content-Signal: ai-train=no", 2, 2)
    assert (two.place, two.tier, two.declared_by) == ("header content-signal", 2, DeclaredBy.HEADER)
