"""SQL of users reads no private column, changes nothing, and ends at its limits."""

import sqlite3

import pytest

from crawler.serve import sandbox

SECRET = "mail@person.example"
TRICKS = [
    "SELECT private FROM party",
    "SELECT * FROM party",
    'SELECT "private" FROM main.party AS p',
    "SELECT p.private || '' FROM party AS p",
    "WITH shown AS (SELECT * FROM party) SELECT * FROM shown",
    "SELECT (SELECT private FROM party LIMIT 1)",
    "SELECT * FROM (SELECT private AS name FROM party)",
    "SELECT max(private), group_concat(private), json_group_array(private) FROM party",
    "SELECT name FROM party WHERE private LIKE 'mail%'",
    "SELECT CASE WHEN private > 'a' THEN 'mail' END FROM party",
    "SELECT j.value FROM party, json_each(party.private) AS j",
    "SELECT name FROM party ORDER BY hex(private)",
    "SELECT * FROM party NATURAL JOIN contact",
    "SELECT quote(content), hex(content), substr(content, 1) FROM body",
    "SELECT private FROM contact UNION ALL SELECT content FROM body",
    "SELECT * FROM shown_parties",
    "SELECT row_number() OVER (ORDER BY private), first_value(private) OVER () FROM party",
    "SELECT sql FROM sqlite_master",
    "SELECT * FROM pragma_table_info('party')",
]
REFUSED = [
    "ATTACH DATABASE 'other.db' AS other",
    "SELECT load_extension('x')",
    "PRAGMA writable_schema = 1",
    "SELECT * FROM pragma_compile_options",
    "CREATE TEMP TABLE t AS SELECT * FROM party",
    "CREATE TEMP VIEW body AS SELECT 1",
    "INSERT INTO party VALUES ('a', 'b')",
    "UPDATE party SET name = 'x'",
    "UPDATE sqlite_master SET sql = ''",
    "DELETE FROM sqlite_master",
    "DROP VIEW shown_parties",
    "VACUUM INTO 'copy.db'",
    "BEGIN IMMEDIATE",
    "SELECT fts3_tokenizer('simple')",
]


@pytest.fixture
def db():
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE party (name TEXT, private TEXT)")
    db.execute("CREATE TABLE contact (name TEXT, private TEXT)")
    db.execute("CREATE TABLE body (digest TEXT, content BLOB)")
    db.execute("CREATE VIEW shown_parties AS SELECT name, private AS shown FROM party")
    # A column of an index is read from the index; it is private there as well.
    db.execute("CREATE INDEX by_private ON party (private)")
    for table in ("party", "contact"):
        db.execute(f"INSERT INTO {table} VALUES ('n', ?)", (f'["{SECRET}"]',))
    db.execute("INSERT INTO body VALUES ('d', ?)", (SECRET.encode(),))
    db.commit()
    sandbox.restrict(db)
    yield db
    db.close()


@pytest.mark.parametrize("sql", TRICKS)
def test_private_columns_read_as_null(db, sql):
    found = repr([tuple(row) for row in db.execute(sql)])
    assert "mail" not in found
    assert SECRET.encode().hex() not in found.lower()


@pytest.mark.parametrize("sql", REFUSED)
def test_nothing_is_changed_or_opened(db, sql):
    with pytest.raises(
        sqlite3.DatabaseError, match=r"not authorized|denied|prohibited|no such|may not be modified"
    ):
        db.execute(sql).fetchall()


def test_what_is_public_can_be_read(db):
    assert [tuple(row) for row in db.execute("SELECT name, private FROM party")] == [("n", None)]
    assert db.execute("SELECT count(*) FROM body").fetchone()[0] == 1


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT length(zeroblob({sandbox.MAX_VALUE + 1}))",
        "SELECT 'a' LIKE '" + "%" * 2_000 + "'",
        "SELECT 1 -- " + "x" * sandbox.MAX_SQL,
    ],
    ids=["blob", "pattern", "statement"],
)
def test_values_and_statements_have_a_length(db, sql):
    with pytest.raises(sqlite3.Error, match="too"):
        db.execute(sql).fetchall()


def test_a_result_has_a_size_and_the_next_one_begins_at_nothing(db):
    many = "SELECT hex(zeroblob(1000000)) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15{}]')"
    for _ in range(2):
        assert len(db.execute(many.format("")).fetchall()) == 15
    with pytest.raises(sqlite3.OperationalError, match="the result is larger"):
        db.execute(many.format(",16,17,18")).fetchall()
