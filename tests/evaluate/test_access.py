"""Whether robots.txt turns the crawler away that collected the rows of a dataset."""

import pytest

from crawler.evaluate.access import answer_for
from crawler.vocab import Purpose
from tests.sample_origins import INCLUSIVE, NOTHING, SIGNALS, STRICT, Answer, origin

REFUSED = "User-agent: *\nDisallow: /\n"
OWN = "User-agent: CCBot\n{}\n\nUser-agent: *\n{}\n"


@pytest.mark.parametrize(
    ("robots", "access", "genai_train"),
    [
        pytest.param("", "admitted", "silent", id="empty"),
        pytest.param(Answer(status=404), "admitted", "silent", id="absent"),
        pytest.param(REFUSED, "refused", "refused", id="everybody"),
        pytest.param(OWN.format("Disallow: /", "Allow: /"), "refused", "reserved", id="by name"),
        pytest.param(OWN.format("Allow: /", "Disallow: /"), "admitted", "silent", id="let in"),
        pytest.param(OWN.format("Disallow: /a/", "Disallow: /"), "partly", "partial", id="a path"),
        pytest.param("User-agent: GPTBot\nDisallow: /\n", "admitted", "silent", id="another"),
        pytest.param("User-agent: *\nDisallow: /*.jpg$\n", "partly", "silent", id="a file type"),
        pytest.param(NOTHING, "unknown", "unknown", id="unseen"),
        pytest.param(Answer(status=503), "unknown", "unknown", id="an error"),
        pytest.param(
            "User-agent: *\nContent-Signal: ai-train=no\n", "admitted", "reserved", id="a signal"
        ),
    ],
)
@pytest.mark.parametrize("rules", [SIGNALS, INCLUSIVE, STRICT], ids=lambda rules: rules.id)
def test_access(robots, access, genai_train, rules):
    answer = answer_for(origin(robots=robots), "CCBot", rules)
    assert answer.access == access
    if rules is SIGNALS:
        assert answer.states[Purpose.GENAI_TRAIN] == genai_train


def test_tokens_have_no_case():
    resources = origin(robots=OWN.format("Disallow: /", "Allow: /"))
    assert answer_for(resources, "ccbot", SIGNALS).access == "refused"


def test_an_origin_without_evidence():
    assert answer_for((), "CCBot", SIGNALS).access == "unknown"
