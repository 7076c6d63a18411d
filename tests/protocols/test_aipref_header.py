"""Content-Usage headers: dictionaries, values, labels of older drafts."""

import pytest

from crawler.model import Document
from crawler.protocols.aipref import aipref_header
from crawler.vocab import DeclaredBy
from tests.protocols.protocol_tables import answered, applicable, codes, meant

NO, YES = "genai_train reserved", "genai_train permitted"
FOUND_YES, FOUND_NO = "search permitted", "search reserved"


def field(*values: str):
    return answered(aipref_header, *(("Content-Usage", value) for value in values))


def summary(reading):
    """Presence, what counts, what is shown only, and issue codes."""
    counting = applicable(aipref_header, reading)
    return reading.presence.value, counting, meant(aipref_header, reading), codes(reading)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("train-ai=n", ("present", [NO], [], []), id="P01"),
        pytest.param("train-ai=n, search=y", ("present", [NO, FOUND_YES], [], []), id="P02"),
        pytest.param("train-ai=n,search=y", ("present", [NO, FOUND_YES], [], []), id="P02-tight"),
        pytest.param("train-ai = n", ("malformed", [], [NO], ["syntax"]), id="P03"),
        pytest.param("TRAIN-AI=n", ("malformed", [], [NO], ["syntax"]), id="P04"),
        pytest.param("train-ai=N", ("present", [], [NO], ["near_miss"]), id="P05-N"),
        pytest.param('train-ai="n"', ("present", [], [NO], ["near_miss"]), id="P05-string"),
        pytest.param("train-ai=no", ("present", [], [NO], ["near_miss"]), id="P05-no"),
        pytest.param("train-ai", ("present", [], [], ["near_miss"]), id="P05-bare"),
        pytest.param("train-ai=?0", ("present", [], [NO], ["near_miss"]), id="P05-boolean"),
        pytest.param("train-ai=(n)", ("present", [], [], ["near_miss"]), id="P05-list"),
        pytest.param("train-ai=n,", ("malformed", [], [NO], ["syntax"]), id="P06"),
        pytest.param("train-ai=y, train-ai=n", ("present", [NO], [], []), id="P07"),
        pytest.param(
            'train-ai=y, train-ai, search=n, search="n"',
            ("present", [], [FOUND_NO], ["near_miss", "near_miss"]),
            id="P08",
        ),
        pytest.param("train-ai;allow=n, train-ai=y", ("present", [YES], [], []), id="P09"),
        pytest.param("train-ai=n;exceptions=cc-cr", ("present", [NO], [], []), id="P10"),
        pytest.param(
            "train-ai=n;exceptions=mine", ("present", [NO], [], ["exception.unknown"]), id="P10-x"
        ),
        pytest.param(
            "train-ai=y;exceptions=cc-cr",
            ("present", [YES], [], ["exception.meaningless"]),
            id="P10-y",
        ),
        pytest.param(
            "train-ai=n; search=y",
            ("present", [NO], [FOUND_YES], ["label_as_parameter"]),
            id="P11",
        ),
        pytest.param(
            "search=y;ai-train=n",
            ("present", [FOUND_YES], [NO], ["label_as_parameter"]),
            id="P11 the other way",
        ),
        pytest.param(
            "train-ai=n search=y", ("malformed", [], [NO, FOUND_YES], ["syntax"]), id="P12"
        ),
        pytest.param("ai=n", ("present", [], ["ai_train reserved"], ["legacy_label"]), id="P13-ai"),
        pytest.param(
            "train-genai=n", ("present", [], [NO], ["legacy_label"]), id="P13-train-genai"
        ),
        pytest.param("bots=n", ("present", [], ["tdm reserved"], ["legacy_label"]), id="P13-bots"),
        pytest.param("tdm=n", ("present", [], ["tdm reserved"], ["legacy_label"]), id="P13-tdm"),
        pytest.param("*=n", ("present", [], [], ["unknown_label"]), id="P13-star"),
        pytest.param(
            "train-ai=n # no training", ("malformed", [], [NO], ["syntax"]), id="P16 as a header"
        ),
        pytest.param("ai-use=n", ("present", ["ai_input reserved"], [], []), id="vocab-08 ai-use"),
        pytest.param("ai-train=no", ("present", [], [NO], ["near_miss"]), id="C10"),
        pytest.param("ai-train=n", ("present", [], [NO], ["near_miss"]), id="C2"),
        pytest.param("train-ai=no", ("present", [], [NO], ["near_miss"]), id="C1"),
        pytest.param(
            "ai-input=no", ("present", [], ["ai_input reserved"], ["near_miss"]), id="C2 ai-input"
        ),
        pytest.param("train_ai=n", ("present", [], [NO], ["near_miss"]), id="an underscore"),
        pytest.param("tran-ai=y", ("present", [], [YES], ["near_miss"]), id="a letter less"),
        pytest.param("ai-train", ("present", [], [], ["near_miss"]), id="C10 without a value"),
        pytest.param("no-train-ai", ("present", [], [NO], ["near_miss"]), id="eyes no-train-ai"),
        pytest.param("notrain", ("present", [], [NO], ["near_miss"]), id="eyes notrain"),
        pytest.param("no-coffee", ("present", [], [], ["unknown_label"]), id="no coffee"),
        pytest.param("coffee=n", ("present", [], [], ["unknown_label"]), id="coffee"),
        pytest.param(
            "train-ai=n train-ai=y", ("malformed", [], [NO, YES], ["syntax"]), id="eyes, a space"
        ),
        pytest.param(
            "n",
            ("present", [], [NO, FOUND_NO, "ai_input reserved"], ["near_miss"]),
            id="eyes, a value alone",
        ),
        pytest.param("train-ai: n", ("malformed", [], [NO], ["syntax"]), id="a colon"),
        pytest.param("", ("present", [], [], []), id="empty"),
        pytest.param("please do not train", ("malformed", [], [], ["syntax"]), id="prose"),
        pytest.param("train-ai=maybe", ("present", [], [], ["near_miss"]), id="maybe"),
        pytest.param("train-ai = maybe, x = n", ("malformed", [], [], ["syntax"]), id="unmeant"),
        pytest.param("train-ai=caf\udce9", ("malformed", [], [], ["syntax"]), id="octets"),
        pytest.param("a=@99999999999999", ("malformed", [], [], ["syntax"]), id="late date"),
        pytest.param("a" * 16_385, ("malformed", [], [], ["too_long"]), id="too long"),
    ],
)
def test_values(value, expected):
    assert summary(field(value)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(["train-ai=n", "search=y"], ("present", [NO, FOUND_YES], [], []), id="two"),
        pytest.param(["train-ai=n", "train-ai=y"], ("present", [YES], [], []), id="the last"),
        pytest.param(["train-ai=n", ""], ("present", [NO], [], []), id="one empty"),
        pytest.param(["train-ai=n", "x y"], ("malformed", [], [NO], ["syntax"]), id="one bad"),
        pytest.param([], ("absent", [], [], []), id="none"),
    ],
)
def test_several_lines_are_one_dictionary(values, expected):
    assert summary(field(*values)) == expected


def test_a_statement_quotes_its_lines():
    one, two = field("train-ai=n;exceptions=cc-cr-op", "search=y").statements
    assert (one.raw, one.line) == (
        "Content-Usage: train-ai=n;exceptions=cc-cr-op\nContent-Usage: search=y",
        1,
    )
    assert (one.place, one.rule, one.policy) == (
        "header content-usage",
        "aipref.train-ai.n",
        "cc-cr-op",
    )
    assert (two.n, two.tier, two.declared_by, two.policy) == (2, 2, DeclaredBy.HEADER, None)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            [("Content-Usages", "train-ai=n")], ("malformed", [], [NO], ["near_miss"]), id="plural"
        ),
        pytest.param(
            [("content_usage", "train-ai=n"), ("Content-Usage", "search=y")],
            ("present", [FOUND_YES], [NO], ["near_miss"]),
            id="with the right name",
        ),
        pytest.param(
            [("Content-Usages", "x")] * 3, ("malformed", [], [], ["near_miss"] * 3), id="no value"
        ),
    ],
)
def test_misspelt_fields_are_lenient(headers, expected):
    assert summary(answered(aipref_header, *headers)) == expected


def test_a_legacy_label_names_its_draft():
    assert field("ai-output=n").issues[0].excerpt == "ai-output: draft-ietf-aipref-vocab-04"


def test_lines_without_a_colon_are_absent():
    reading = aipref_header.parse(Document(body=b"content-usage train-ai=n\r\n"))
    assert summary(reading) == ("absent", [], [], [])


def test_only_the_three_current_labels_count():
    every = "ai ai-output ai-use all bots genai inference search tdm train-ai train-genai"
    statements = field(", ".join(f"{label}=n" for label in every.split())).statements
    assert len(statements) == len(every.split())
    counting = {s.rule for s in statements if s.counts}
    assert counting == {"aipref.train-ai.n", "aipref.ai-use.n", "aipref.search.n"}
