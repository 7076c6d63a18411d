"""No output of a command replaces an audit, or a file in the folder of one."""

import pytest

from crawler.reports.export import ExportError, replaced
from crawler.store.audit_places import audit_at
from crawler.store.database import connect
from tests.conftest import run

PLAN = '{"format": "tdm-audit plan/1", "parts": 1}'


@pytest.fixture
def audits(tmp_path):
    """Return a folder with a database, and an audit in parts."""
    connect(tmp_path / "one.db", create=True).close()
    (tmp_path / "aud/parts/00000").mkdir(parents=True)
    (tmp_path / "aud/plan.json").write_text(PLAN)
    (tmp_path / "link.csv").symlink_to(tmp_path / "one.db")
    (tmp_path / "other.db").write_bytes(b"SQLite format 3\x00" + bytes(100))
    (tmp_path / "plan.json").write_text('["no plan"]')
    return tmp_path


IN_AN_AUDIT = (
    *("one.db", "one.db-wal", "one.db.manifests.jsonl", "link.csv", "aud/plan.json", "aud/x.csv"),
    *("aud/parts/00000/g1.db", "aud/new/x.html"),
)


@pytest.mark.parametrize("name", IN_AN_AUDIT)
def test_it_is_refused(audits, name):
    before = {p: p.read_bytes() for p in audits.rglob("*") if p.is_file()}
    with pytest.raises(ExportError, match="belongs to the audit"), replaced(audits / name):
        pass
    assert {p: p.read_bytes() for p in audits.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("name", ["other.db", "plan.json", "new/x.csv", "aud.csv", "one.csv"])
def test_others_are_written(audits, name):
    assert audit_at(audits / name) is None
    with replaced(audits / name) as unfinished:
        unfinished.write_text("x")
    assert (audits / name).read_text() == "x"


@pytest.mark.parametrize(
    "command",
    [
        ("export", "sites", "--format", "csv", "-o", "one.db"),
        ("export", "sites", "-o", "aud/sites.csv"),
        ("flag", "d.csv", "-o", "aud/flagged.csv"),
        ("flag", "d.csv", "e.csv", "-o", "aud"),
    ],
    ids=" ".join,
)
def test_commands_say_so(audits, command):
    for name in "de":
        (audits / f"{name}.csv").write_text("url\nhttp://a.example/\n")
    before = {p: p.read_bytes() for p in audits.rglob("*") if p.is_file()}
    done = run(*command, "--db", audits / "one.db", cwd=audits)
    assert (done.returncode, "belongs to the audit" in done.stderr) == (1, True), done.stderr
    after = {p: p.read_bytes() for p in audits.rglob("*") if p.is_file()}
    assert {p: c for p, c in after.items() if p.name not in ("one.db-shm", "one.db-wal")} == before
