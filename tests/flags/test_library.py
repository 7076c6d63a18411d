"""`Flagger`, `FlagBatch` and `ReservationFilter` from Python, as in docs/reference/flags.md."""

import doctest
import importlib.util
import pickle
import re
import sqlite3
from contextlib import closing

import pyarrow as pa
import pytest

from crawler import rulesets
from crawler.errors import UserError
from crawler.flags import ALL_COLUMNS, COLUMNS, SCHEMA, FlagBatch, Flagger
from crawler.vocab import Purpose
from tests.conftest import ROOT

URL = "http://unanimous.demo.test/a"
PAGE = (ROOT / "docs/reference/flags.md").read_text("utf-8")
EXAMPLES = re.findall(r"```pycon\n(.*?)```", PAGE, re.DOTALL)
OPTIONAL = ("datasets", "datatrove")


def needs(example):
    """Return the optional libraries of an example that are not installed."""
    named = [name for name in OPTIONAL if re.search(rf"from {name}\b", example)]
    return [name for name in named if importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("example", EXAMPLES, ids=["Flagger", *OPTIONAL])
def test_the_examples_of_the_documentation_run(example, demo_db_copy, tmp_path, monkeypatch):
    if missing := needs(example):
        pytest.skip(f"{missing[0]} is optional and not installed")
    monkeypatch.chdir(tmp_path)
    test = doctest.DocTestParser().get_doctest(example, {}, "docs/reference/flags.md", None, 0)
    said: list[str] = []
    doctest.DocTestRunner().run(test, out=said.append)
    assert (said, bool(test.examples)) == ([], True)


def test_the_page_names_every_column():
    named = re.findall(r"^\| `(tdm_\w+)` \|", PAGE, re.MULTILINE)
    assert named[: len(COLUMNS)] == list(COLUMNS)
    # Those of rows with several URLs are in a table of their own.
    assert set(named) <= set(ALL_COLUMNS)


GIVEN = {
    "list": ([URL, None, 5, b"x", "\ud800"], ["reserved", *["unknown"] * 4]),
    "tuple": ((URL, None), ["reserved", "unknown"]),
    "generator": ((url for url in (URL,)), ["reserved"]),
    "array": (pa.array([URL, None]), ["reserved", "unknown"]),
    "large": (pa.array([URL], pa.large_string()), ["reserved"]),
    "dictionary": (
        pa.array([URL, None, URL]).dictionary_encode(),
        ["reserved", "unknown", "reserved"],
    ),
    "chunks": (pa.chunked_array([[URL], [None]]), ["reserved", "unknown"]),
    "no chunks": (pa.chunked_array([], pa.string()), []),
    "nothing": ([], []),
    "nulls": (pa.nulls(2), ["unknown", "unknown"]),
}


def test_whatever_holds_urls_can_be_flagged(demo_db_copy):
    with Flagger(demo_db_copy) as flagger:
        for name, (given, states) in GIVEN.items():
            got = flagger.flag(given)
            assert got.schema == SCHEMA, name
            assert got["tdm_state"].to_pylist() == states, name
        assert flagger.flag([URL, "x", URL])["tdm_reserved"].to_pylist() == [True, None, True]


def test_names_and_objects_are_the_same(demo_db_copy):
    with (
        closing(sqlite3.connect(demo_db_copy)) as db,
        Flagger(str(demo_db_copy), "strict", ("tdm", "search"), "CCBot") as named,
        Flagger(db, rulesets.load("strict"), (Purpose.TDM, Purpose.SEARCH), "CCBot") as given,
        Flagger(demo_db_copy, "strict", "tdm") as single,
    ):
        assert named.flag([URL]) == given.flag([URL])
        assert single.flag([URL])["tdm_purpose"].to_pylist() == ["tdm"]


WRONG = {
    "no database": ({"db": "nowhere.db"}, "nowhere.db"),
    "no rule set": ({"rules": "lenient"}, "no rule set 'lenient'"),
    "no purpose": ({"purposes": ("profit",)}, "are no purposes; there are tdm"),
    "no purposes": ({"purposes": ()}, "are no purposes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_told_in_one_sentence(demo_db_copy, name):
    given, said = WRONG[name]
    with pytest.raises(UserError, match=said):
        Flagger(**{"db": demo_db_copy, **given})


def test_a_connection_that_was_given_stays_open(demo_db_copy):
    with closing(sqlite3.connect(demo_db_copy)) as db:
        Flagger(db).close()
        assert db.execute("SELECT 1").fetchone() == (1,)


def test_a_batch_function_can_be_sent_and_told_from_others(demo_db_copy):
    flag = FlagBatch(demo_db_copy, "signals", ("genai_train",), column="link")
    first = pickle.dumps(flag)
    expected = flag({"link": [URL, None]})
    assert list(expected) == list(COLUMNS)
    assert expected["tdm_reserved"] == [True, None]
    assert pickle.dumps(flag) == first
    assert pickle.loads(first)({"link": [URL, None]}) == expected
    with closing(sqlite3.connect(demo_db_copy)) as db, db:
        names = ", ".join(row[1] for row in db.execute("PRAGMA table_info(run)") if row[1] != "id")
        db.execute(f"INSERT INTO run ({names}) SELECT {names} FROM run LIMIT 1")
    assert pickle.dumps(flag) != first


def test_without_datatrove_the_filter_says_what_is_missing():
    if importlib.util.find_spec("datatrove") is not None:
        pytest.skip("datatrove is installed")
    with pytest.raises(ImportError, match=r"pip install -e '\.\[datatrove\]'"):
        importlib.import_module("crawler.flags.datatrove")
