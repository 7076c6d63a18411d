"""SQL of users reads no private column, changes nothing, and ends at its limits."""

import sqlite3

import pytest

from crawler.serve import sandbox
from crawler.store.guarded_connection import GuardedConnection, RefusedError

SECRET = "mail@person.example"
OTHER = "(SELECT NULL AS content) AS x"
TRICKS = [
    "SELECT content FROM body",
    "SELECT * FROM body",
    'SELECT "content" FROM main.body AS p',
    'SELECT "content" FROM "main"."body"',
    "SELECT [content] FROM [main].[body]",
    "SELECT `CONTENT` FROM `main`.`body`",
    "SELECT content FROM 'main'.'body'",
    "SELECT body/**/./**/content FROM/**/main/* */./*-- */BODY",
    "SELECT content FROM -- \n body",
    "-- SELECT\nSELECT content FROM body",
    "/* EXPLAIN */ SELECT content FROM body",
    "\ufeffSELECT content FROM body",
    "SELECT length(content || 'a') FROM body",
    "SELECT length(content), content FROM body",
    "SELECT length(content) FROM body ORDER BY content",
    "SELECT DISTINCT content IS NULL FROM body WHERE content = x'00'",
    "SELECT typeof(content) FROM body",
    "SELECT b.content || '' FROM body AS b",
    "WITH shown AS (SELECT * FROM body) SELECT * FROM shown",
    "WITH shown_bodies AS (SELECT content FROM body) SELECT * FROM shown_bodies",
    "WITH body AS (SELECT * FROM main.body) SELECT * FROM body",
    "SELECT (SELECT content FROM body LIMIT 1)",
    "SELECT EXISTS (SELECT 1 FROM body WHERE content > x'00')",
    "SELECT * FROM (SELECT content AS name FROM body)",
    "SELECT max(content), group_concat(content) FROM body",
    "SELECT name FROM party WHERE name IN (SELECT content FROM body)",
    "SELECT name FROM party WHERE (name, 1, 2) IN body",
    "SELECT ('d', 1, x'6d') IN main.body",
    "SELECT ('d', 1, name) IN (SELECT digest, size, content FROM body) FROM party",
    "SELECT CASE WHEN content > 'a' THEN 'mail' END FROM body",
    "SELECT j.value FROM body, json_each(body.content) AS j",
    "SELECT digest FROM body ORDER BY hex(content)",
    "SELECT digest FROM body INDEXED BY by_content",
    "SELECT quote(content), hex(content), substr(content, 1) FROM body",
    "SELECT name FROM party UNION ALL SELECT content FROM body",
    "SELECT * FROM shown_bodies",
    "SELECT row_number() OVER (ORDER BY content) FROM body",
    f"SELECT hex(content) FROM body FULL JOIN {OTHER} USING (content)",
    f"SELECT hex(content) FROM {OTHER} FULL JOIN body USING (content)",
    f"SELECT hex(content) FROM {OTHER} RIGHT JOIN body USING (content)",
    f"SELECT hex(content) FROM body NATURAL FULL JOIN {OTHER}",
    f"SELECT 1 FROM body NATURAL JOIN {OTHER}",
    "SELECT 1 FROM body JOIN (SELECT x'6d' AS content) USING (content)",
    "SELECT hex(content) FROM body FULL JOIN body AS b2 USING (content)",
    f"SELECT * FROM party WHERE name = (SELECT hex(content) FROM body NATURAL FULL JOIN {OTHER})",
    "SELECT * FROM party WHERE EXISTS (SELECT 1 FROM body WHERE content = :name)",
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
    "SELECT * FROM pragma_database_list",
    "SELECT printf('%.*c', 1000000000, 'x')",
    "SELECT format('%.*c', 1000000000, 'x')",
    "SELECT json_patch('{}', '{}')",
    "SELECT rtreecheck('main', 'body')",
    "SELECT " + "'a' LIKE 'b' OR " * 50 + "1",
]


@pytest.fixture(params=["", " WITHOUT ROWID"], ids=["rowid", "without rowid"])
def db(request):
    db = sqlite3.connect(":memory:", factory=GuardedConnection)
    db.execute("CREATE TABLE party (name TEXT)")
    db.execute(
        f"CREATE TABLE body (digest TEXT PRIMARY KEY, size INT, content BLOB){request.param}"
    )
    db.execute("CREATE VIEW shown_parties AS SELECT name FROM party")
    db.execute("CREATE VIEW shown_bodies AS SELECT digest, content AS shown FROM body")
    # What is in an index is read from the index; it is private there as well.
    db.execute("CREATE INDEX by_content ON body (content, digest)")
    db.execute("INSERT INTO party VALUES ('n')")
    db.execute("INSERT INTO body VALUES ('d', 1, ?)", (SECRET.encode(),))
    db.commit()
    sandbox.restrict(db)
    yield db
    db.close()


@pytest.mark.parametrize("sql", TRICKS)
def test_no_statement_reads_stored_bytes(db, sql):
    with pytest.raises(RefusedError, match="stored bytes are not read by SQL"):
        db.execute(sql, {"name": "n"} if ":name" in sql else {})


@pytest.mark.parametrize("sql", ["SELECT 1 FROM bodу", "SELECT 1 FROM temp.body"])
def test_what_is_not_that_table_is_not_there(db, sql):
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        db.execute(sql)


@pytest.mark.parametrize("table", ["sqlite_dbpage", "Dbstat", "sqlite_stmt"])
def test_no_statement_reads_pages_of_the_file(db, table):
    with pytest.raises(RefusedError, match="pages of the file"):
        db.execute(f'SELECT 1 FROM "{table}" NATURAL JOIN party')


def test_explain_lists_a_program_and_reads_nothing(db):
    rows = [tuple(row) for row in db.execute("EXPLAIN SELECT content FROM body")]
    assert any("OpenRead" in row for row in rows)
    assert "mail" not in repr(rows)


@pytest.mark.parametrize("sql", REFUSED)
def test_nothing_is_changed_or_opened(db, sql):
    with pytest.raises(
        sqlite3.DatabaseError, match=r"not authorized|denied|prohibited|no such|may not be modified"
    ):
        db.execute(sql).fetchall()


def test_what_is_public_can_be_read(db):
    for sql in ("SELECT name FROM party", "SELECT * FROM shown_parties NATURAL JOIN party"):
        assert [tuple(row) for row in db.execute(sql)] == [("n",)]
    # Views tell by the length what was erased.
    sizes = "SELECT size, length(content) FROM body NOT INDEXED"
    assert [tuple(row) for row in db.execute(sizes)] == [(1, len(SECRET))]
    named = "WITH body AS (SELECT name AS content FROM party) SELECT content FROM body"
    assert [tuple(row) for row in db.execute(named)] == [("n",)]


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


CALLS = [
    "instr('größe', 'ö')",
    "instr(x'0102', x'02')",
    "instr('abc', '')",
    "instr(123, 2)",
    "instr(NULL, 'a')",
    "instr('a', NULL)",
    "replace('a-b-c', '-', '++')",
    "replace('abc', '', 'x')",
    "replace(12.5, '.', ',')",
    "replace(3.0, '0', '1')",
    "replace('a', 'a', NULL)",
    "trim('  a b ')",
    "trim('xyaxy', 'yx')",
    "ltrim('xyaxy', 'yx')",
    "rtrim('xyaxy', 'yx')",
    "ltrim('\t a')",
    "rtrim(' a ')",
    "trim('xx', 'x')",
    "trim('a', '')",
    "trim(NULL)",
    "trim(1e20, '0')",
    "trim(1.5e300)",
    "trim(-9e999)",
    "trim(x'2061')",
]


@pytest.mark.parametrize("call", CALLS)
def test_functions_that_are_replaced_return_what_those_of_sqlite_do(db, call):
    own = sqlite3.connect(":memory:").execute(f"SELECT {call}, typeof({call})").fetchone()
    assert tuple(db.execute(f"SELECT {call}, typeof({call})").fetchone()) == own


@pytest.mark.parametrize(
    "call",
    [
        "instr(hex(zeroblob(500000)), hex(zeroblob(250000)) || '1')",
        "length(trim(hex(zeroblob(500000)), hex(zeroblob(250000)) || '1'))",
        "length(replace(hex(zeroblob(500000)), hex(zeroblob(250000)) || '1', 'x'))",
    ],
    ids=["instr", "trim", "replace"],
)
def test_long_texts_take_the_time_of_their_length(db, call):
    # The same in SQLite takes 10^11 comparisons.
    assert db.execute(f"SELECT {call}").fetchone()[0] in (0, 1_000_000)
