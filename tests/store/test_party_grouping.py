"""Groups of parties are made again where what they are made from changed, and only there."""

import json
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.commands.judge import rebuild
from crawler.model import Observation
from crawler.page import extract
from crawler.store import party_groups, party_lists
from crawler.store.database import transaction
from crawler.store.party_lists import ListedParty
from crawler.vocab import Resource
from tests.store.conftest import SIGNALS, answer, audit
from tests.store.test_order import day, fresh, seen, store
from tests.store.test_unchanged import visit
from tests.strategies import UNTIMED

__all__ = ["audit"]


def page(**node: object) -> str:
    value = {"@context": "https://schema.org", "@type": "WebPage"} | node
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


def groups(db) -> list[list[tuple[object, ...]]]:
    tables = ("party_group", "party_low_group")
    return [sorted(map(repr, db.execute(f"SELECT * FROM {table}"))) for table in tables]


def made_again(db) -> list[list[tuple[object, ...]]]:
    """The groups that a rebuild gives that knows of none before."""
    with transaction(db):
        db.execute("DELETE FROM party_grouping")
        assert party_groups.rebuild(db)
    return groups(db)


HOMES = ("a.example", "b.example", "c.example")
NODE = {"@type": "Organization", "name": "ACME Ltd", "leiCode": "5493001KJTIIGC8Y1R12"}


@pytest.fixture
def db(audit):
    return audit(*(answer(h, Resource.HOME, "/", page(copyrightHolder=NODE)) for h in HOMES))


def test_nothing_is_made_again_where_nothing_changed(db):
    before = groups(db)
    assert before[0]
    assert before[1]
    with transaction(db):
        assert not party_groups.rebuild(db)
    # Nor by a judging of everything that finds the same.
    changes = db.total_changes
    writes = []
    db.set_trace_callback(lambda sql: writes.append(sql) if "party_group" in sql else None)
    rebuild(db, chosen=SIGNALS)
    db.set_trace_callback(None)
    assert db.total_changes > changes
    assert not [sql for sql in writes if not sql.lstrip().startswith("SELECT")]
    assert groups(db) == before == made_again(db)


def entry(domain: str, name: str) -> ListedParty:
    return ListedParty(1, domain, name, name.lower(), ("lei:X",))


CHANGES = {
    "a list": lambda db: party_lists.add_list(
        db,
        "f",
        "0" * 64,
        ("P", "1"),
        [entry("a.example", "A"), entry("d.example", "A")._replace(line=2)],
        "now",
    ),
    "an origin of a listed site": lambda db: db.execute(
        "INSERT INTO origin (key, url, scheme, host, port, site, assumed) VALUES "
        "('d.example', 'https://d.example', 'https', 'd.example', 443, 'd.example', 0)"
    ),
    "an answer less": lambda db: db.execute(
        "DELETE FROM resource_evidence WHERE origin = 1 AND resource = 'home'"
    ),
    "a name": lambda db: db.execute("UPDATE party SET name_key = 'other'"),
    "an identifier": lambda db: db.execute("UPDATE party SET identifiers = '[]'"),
    "a role": lambda db: db.execute("UPDATE party SET role = 'candidate'"),
    "a page": lambda db: db.execute("UPDATE party SET licence_page = 'https://b.example/l'"),
    "a group": lambda db: db.execute("UPDATE party_group SET party_group = 'x'"),
    "a low group": lambda db: db.execute("DELETE FROM party_low_group WHERE site = 'a.example'"),
    "a digest": lambda db: db.execute("UPDATE party_grouping SET digest = ?", ("0" * 64,)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_groups_are_made_again_after_a_change(db, change):
    if change is CHANGES["an origin of a listed site"]:
        with transaction(db):
            CHANGES["a list"](db)
            party_groups.rebuild(db)
    with transaction(db):
        change(db)
        assert party_groups.rebuild(db)
        assert not party_groups.rebuild(db)
    assert groups(db) == made_again(db)


class Home(NamedTuple):
    """A visit whose home page is this, or is absent."""

    body: str | None

    def seen(self, n: int) -> tuple[Observation, ...]:
        if self.body is None:
            return visit(n)
        body = self.body.encode()
        html = {"headers": (("content-type", "text/html"),), "extract": extract(body)}
        found = seen(Resource.HOME, day(n), 200, body, **html)
        return tuple(found if o.target.resource is Resource.HOME else o for o in visit(n))


STEPS = st.lists(
    st.one_of(
        st.sampled_from([None, page(copyrightHolder=NODE), page(publisher="B Ltd")]).map(Home),
        st.integers(0, 2).map(lambda n: f"list {n}"),
        st.sampled_from(["judge", "judge waiting"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(UNTIMED, max_examples=25)
@given(STEPS)
def test_groups_are_those_of_a_rebuild_after_any_steps(steps):
    with fresh() as db:
        n = 0
        for step in steps:
            if isinstance(step, Home):
                n += 1
                store(db, step.seen(n), started=day(n))
                rebuild(db, chosen=SIGNALS, waiting=True)
            elif step.startswith("list"):
                with transaction(db):
                    named = [entry("a.test", f"{step} Ltd"), entry("x.test", "Y")._replace(line=2)]
                    party_lists.add_list(db, "f", step[-1] * 64, ("P", step), named, "now")
                    party_groups.rebuild(db)
            else:
                rebuild(db, chosen=SIGNALS, waiting=step == "judge waiting")
            assert groups(db) == made_again(db)
