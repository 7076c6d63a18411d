"""The reason why a statement that was considered did not decide, in plain words."""

import json

import pytest

from crawler import rulesets
from crawler.reports.reasons import why_not
from tests.evaluate import test_evaluator as judged
from tests.evaluate.test_evaluator import ALL, BAN, BOT, NONE, findings, header, meta, origin

SIGNALS = rulesets.load("signals")
CASES = [
    (
        "superseded, and by what",
        origin(page_=[header("0"), meta("1")]),
        {"path": "/p"},
        "tdm",
        ["superseded by TDMRep meta elements of /p"],
    ),
    (
        "a permission of mining says nothing of training",
        origin(tdmrep=NONE, ai="User-Agent: *\nDisallow: /"),
        {},
        "ai_train",
        ["makes no state for ai_train: a permission is of its own purpose only"],
    ),
    (
        "a permission of the same purpose is weaker",
        origin(tdmrep=NONE, home=[header("0")], page_=[header("1")]),
        {},
        "tdm",
        [
            "weaker: permitted does not lift partial",
            "settles nothing: it permits for single pages only",
        ],
    ),
    (
        "a part is weaker than the whole",
        origin(tdmrep=ALL, robots=BOT),
        {},
        "genai_train",
        ["weaker: partial does not lift reserved"],
    ),
    (
        "agreement, less explicit",
        origin(tdmrep=ALL, ai="User-Agent: *\nDisallow: /"),
        {},
        "ai_train",
        ["agrees, and is less explicit (tier 2 after tier 1)"],
    ),
    (
        "agreement, later in order",
        origin(robots=f"{BOT}\n\nUser-agent: CCBot\nDisallow: /"),
        {},
        "genai_train",
        ["agrees, and comes after the one that decided"],
    ),
    (
        "a permission of a part",
        origin(tdmrep=judged.tdmrep(judged.rule("/b/", 0))),
        {},
        "tdm",
        ["settles nothing: it permits for some paths only"],
    ),
    (
        "lenient readers only",
        origin(tdmrep=judged.tdmrep(judged.rule("/", "1"))),
        {},
        "tdm",
        ["not counted: only lenient readers understand it so"],
    ),
    (
        "a retired agent",
        origin(robots="User-agent: anthropic-ai\nDisallow: /"),
        {},
        "genai_train",
        ["not counted: an agent of that name is no longer used"],
    ),
    (
        "something unseen",
        origin(tdmrep=NONE, unseen={judged.Resource.AI_TXT}),
        {},
        "tdm",
        ["permitted is not enough while something planned is unseen"],
    ),
    (
        "a line for everybody",
        origin(robots="User-agent: GPTBot\nUser-agent: *\nDisallow: /search\n"),
        {},
        "genai_train",
        ["not counted: the line is for everybody as well, and singles nobody out"],
    ),
]


@pytest.mark.parametrize(
    ("resources", "question", "purpose", "expected"),
    [c[1:] for c in CASES],
    ids=[c[0] for c in CASES],
)
def test_why_not(resources, question, purpose, expected):
    found = findings(resources, **question)[purpose]
    assert [
        why_not(h, found, SIGNALS) for h in found.considered if h is not found.deciding
    ] == expected


def test_a_tier_that_a_rule_set_leaves_out():
    strict = rulesets.load("strict")
    found = findings(origin(robots=BOT), strict)["genai_train"]
    (applicable,) = found.considered
    assert why_not(applicable, found, strict) == "tier 3 does not count under strict"


def test_a_refusal_beside_a_reservation():
    found = findings(origin(robots=BAN, tdmrep=ALL))["tdm"]
    (applicable,) = (h for h in found.considered if h is not found.deciding)
    assert why_not(applicable, found, SIGNALS) == "weaker: refused does not lift reserved"


SITES = ["unanimous", "contradiction-ai-txt", "contradiction-zero", "contradiction-agents"]


@pytest.mark.parametrize("site", SITES)
def test_explain_gives_a_reason_for_everything_it_considered(site, demo_output, tdm_audit):
    asked = ("explain", f"http://{site}.demo.test/", "--db", demo_output / "audit.db")
    said = json.loads(tdm_audit(*asked, "--json").stdout)
    considered = [one for finding in said["findings"] for one in finding["considered"]]
    assert considered
    assert all(one["why_not"] for one in considered)
    lines = tdm_audit(*asked).stdout.splitlines()
    also = [n for n, line in enumerate(lines) if line.startswith("  also")]
    # Purposes with the same verdict and evidence are printed once.
    assert also
    assert {lines[n + 1].strip() for n in also} <= {one["why_not"] for one in considered}
