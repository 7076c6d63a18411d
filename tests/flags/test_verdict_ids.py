"""Numbers of verdicts: columns, kinds and stored state say of each what was added."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.evaluate.as_of import AsOfVerdict
from crawler.evaluate.url_verdicts import Verdict
from crawler.flags import texts, verdict_ids
from crawler.flags.verdict_ids import VerdictIds

TIMES = st.none() | st.sampled_from([f"2026-11-{day:02d}T00:00:00.000Z" for day in range(1, 9)])
POLICIES = st.none() | st.sampled_from(["https://a.example/p", "", "é", "https://b.example/p"])
VERDICTS = st.builds(
    Verdict,
    state=st.sampled_from(["reserved", "free", "unknown"]),
    reserved=st.none() | st.booleans(),
    purpose=st.just("genai_train"),
    basis=st.none() | st.sampled_from(["robots_txt", "origin never asked"]),
    policy_url=POLICIES,
    observed_at=TIMES,
    rules=st.just("signals/2"),
    stale=st.booleans(),
    last_looked_at=TIMES,
    pages_seen=st.none() | st.integers(0, 3),
    pages_reserving=st.none() | st.integers(0, 3),
    malformed=st.booleans(),
    pages_share_min=st.none(),
    pages_share_max=st.none() | st.sampled_from([0.25, 1.0]),
)
DATED = st.builds(
    AsOfVerdict,
    VERDICTS,
    as_of_basis=st.sampled_from(["seen before and after", "seen before"]),
    seen_before=TIMES,
    seen_after=TIMES,
)
EITHER = st.sampled_from([False, True]).flatmap(
    lambda as_of: st.tuples(st.just(as_of), st.lists(DATED if as_of else VERDICTS))
)


@pytest.fixture(scope="module", autouse=True)
def little_is_remembered():
    """Equal verdicts get several numbers, and texts are in several chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdict_ids, "_MAX_REMEMBERED", 3)
        patch.setattr(texts, "_MAX_REMEMBERED", 2)
        patch.setattr(texts, "_TEXTS_OF_CHUNK", 3)
        patch.setattr(texts, "_FEW", 2)
        yield


def values(verdict):
    return [*verdict.verdict, *verdict[1:]] if isinstance(verdict, AsOfVerdict) else [*verdict]


def rows(ids, numbers):
    table = pa.table(ids.columns(pa.array(numbers, pa.int32())), names=ids.schema.names)
    # A writer of Parquet takes codes for places of words that are unlike.
    file = io.BytesIO()
    pq.write_table(table, file)
    return [list(row.values()) for row in pq.read_table(file).to_pylist()]


@given(EITHER, st.randoms(use_true_random=False))
def test_numbers_stand_for_what_was_added(told, random):
    as_of, verdicts = told
    ids = VerdictIds(as_of=as_of)
    numbers = []
    for verdict in verdicts:
        numbers.append(ids.add(verdict))
        if random.random() < 0.2:
            assert rows(ids, numbers) == [values(each) for each in verdicts[: len(numbers)]]
    chosen = random.choices(range(len(numbers)), k=len(numbers)) if numbers else []
    assert rows(ids, [numbers[n] for n in chosen]) == [values(verdicts[n]) for n in chosen]
    assert [ids.verdict(number) for number in numbers] == verdicts
    kinds = ids.kinds_of(pa.array(numbers, pa.int32())).to_pylist()
    for kind, verdict in zip(kinds, verdicts, strict=True):
        found = ids.kinds[kind]
        assert (found.state, found.reserved, found.basis) == (
            verdict.state,
            verdict.reserved,
            verdict.basis,
        )
    assert [list(row.values()) for row in ids.table().to_pylist()] == rows(ids, range(len(ids)))


@given(EITHER, st.lists(VERDICTS))
def test_what_is_restored_goes_on_where_it_was(told, more):
    as_of, verdicts = told
    ids, again = VerdictIds(as_of=as_of), VerdictIds(as_of=as_of)
    numbers = [ids.add(verdict) for verdict in verdicts]
    again.restore(ids.export())
    assert len(again) == len(ids)
    assert rows(again, numbers) == [values(verdict) for verdict in verdicts]
    more = [AsOfVerdict(verdict, "never asked") for verdict in more] if as_of else more
    numbers += [again.add(verdict) for verdict in more]
    assert rows(again, numbers) == [values(verdict) for verdict in (*verdicts, *more)]


def test_equal_verdicts_that_follow_each_other_have_one_number():
    ids = VerdictIds()
    verdict = Verdict("free", False, "genai_train", None, None, None, "signals/2")
    assert [ids.add(verdict._replace(observed_at=t)) for t in (None, "a", None, "a", "b")] == [
        *(0, 1, 0, 1, 2)
    ]
    assert len(ids) == 3
