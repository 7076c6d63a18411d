"""Storage that refuses: read-only places, full disks, damaged files, and creation that is killed.

Where the user of the tests may write everything, commands run without that capability, and mounts
are made in a namespace of their own; what the machine does not allow is skipped with its reason.
"""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest

from crawler.store import bodies, database
from crawler.store.bodies import DamagedBodyError
from crawler.store.database import StoreError, connect, connect_read_only
from tests.conftest import ROOT, patience

PYTHON = [sys.executable, "-m", "crawler"]
READERS = {
    "explain": ["explain", "http://unanimous.demo.test/", "--db", "DB"],
    "export": ["export", "reservations", "--db", "DB", "-o", "-"],
    "judge for an agent": ["judge", "--agent", "CCBot", "--db", "DB"],
    "flag": ["flag", "IN", "-o", "OUT/flagged.csv", "--db", "DB"],
}
WRITERS = {
    "crawl": ["crawl", "IN", "--db", "DB"],
    "judge": ["judge", "--db", "DB"],
}


def start(command, cwd, **more):
    """Run a command to its end; the result has its output as text."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "160", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True,
        timeout=patience(120), check=False, **more,
    )  # fmt: skip


@pytest.fixture(scope="session")
def bound():
    """Return the words before a command that make it respect permissions of files."""
    if os.geteuid():
        return []
    words = ["setpriv", "--bounding-set=-dac_override"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], check=False).returncode:
        pytest.skip("root may write everything, and setpriv cannot take that away here")
    return words


@pytest.fixture(scope="session")
def mounts():
    """Skip where no file system can be mounted in a namespace of its own."""
    words = ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/tmp"]
    if shutil.which("unshare") is None or subprocess.run(words, check=False).returncode:
        pytest.skip("no file system can be mounted here")


@pytest.fixture
def place(tmp_path, demo_output):
    """Return a folder with a copy of the demo's database, an input, and a folder for outputs."""
    for name in ("read", "out"):
        (tmp_path / name).mkdir()
    shutil.copy(demo_output / "audit.db", tmp_path / "read/audit.db")
    (tmp_path / "in.txt").write_text("http://unanimous.demo.test/x\n")
    yield tmp_path
    (tmp_path / "read").chmod(stat.S_IRWXU)


def filled(words, place):
    named = {"DB": place / "read/audit.db", "IN": place / "in.txt"}
    return [str(named.get(w, w)).replace("OUT", str(place / "out")) for w in words]


def protect(place, folder=True):
    (place / "read/audit.db").chmod(0o444)
    if folder:
        (place / "read").chmod(0o555)


@pytest.mark.parametrize("folder", [True, False], ids=["file and folder", "file"])
@pytest.mark.parametrize("words", READERS.values(), ids=READERS)
def test_a_read_only_database_is_read(words, folder, place, bound):
    before = start([*PYTHON, *filled(words, place)], place)
    assert before.returncode == 0, before.stderr
    protect(place, folder)
    done = start([*bound, *PYTHON, *filled(words, place)], place)
    assert (done.returncode, done.stdout, done.stderr) == (0, before.stdout, "")


@pytest.mark.parametrize("words", READERS.values(), ids=READERS)
def test_a_database_on_a_read_only_mount_is_read(words, place, mounts):
    script = f"""
        mount --bind {place / "read"} {place / "read"}
        mount -o remount,ro,bind {place / "read"}
        exec "$@"
    """
    command = ["unshare", "-m", "sh", "-ec", script, "sh", *PYTHON, *filled(words, place)]
    done = start(command, place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


@pytest.mark.parametrize("folder", [True, False], ids=["file and folder", "file"])
@pytest.mark.parametrize("words", WRITERS.values(), ids=WRITERS)
def test_commands_that_write_say_that_they_cannot(words, folder, place, bound):
    protect(place, folder)
    done = start([*bound, *PYTHON, *filled(words, place)], place)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "audit.db cannot be written" in done.stderr
    assert "copy the database into a folder" in done.stderr


def leave_log(path):
    """Write to a database and leave what a killed process leaves: the file and its log."""
    copy = path.with_name("copy.db")
    with closing(connect(path)) as db:
        db.execute("INSERT INTO flag_cache VALUES ('x', 'y', x'00')")
        shutil.copy(path, copy)
        shutil.copy(f"{path}-wal", f"{copy}-wal")
    for end in ("", "-wal"):
        shutil.move(f"{copy}{end}", f"{path}{end}")
    assert path.with_name("audit.db-wal").stat().st_size


def test_a_log_in_a_read_only_folder_is_one_sentence(place, bound):
    leave_log(place / "read/audit.db")
    protect(place)
    done = start([*bound, *PYTHON, *filled(READERS["explain"], place)], place)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "audit.db-wal" in done.stderr
    assert "copy both files" in done.stderr


def test_a_log_in_a_folder_that_can_be_written_is_read(place):
    path = place / "read/audit.db"
    leave_log(path)
    with closing(connect_read_only(path)) as db:
        assert db.execute("SELECT count(*) FROM flag_cache WHERE cache_key = 'x'").fetchone() == (
            1,
        )


def test_after_a_checkpoint_one_file_is_whole(tmp_path):
    path = tmp_path / "audit.db"
    with closing(connect(path, create=True)) as db, closing(connect_read_only(path)):
        db.execute("INSERT INTO flag_cache VALUES ('x', 'y', x'00')")
        database.checkpoint(db)
        shutil.copy(path, tmp_path / "copy.db")
    with closing(connect_read_only(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT cache_key FROM flag_cache").fetchall() == [("x",)]


def test_judge_leaves_one_file_that_is_whole_while_it_is_read(demo_db_copy, tmp_path, tdm_audit):
    with closing(connect_read_only(demo_db_copy)) as reader:
        assert tdm_audit("judge", "--db", demo_db_copy, "--rules", "strict").returncode == 0
        shutil.copy(demo_db_copy, tmp_path / "copy.db")
        assert reader.execute("SELECT DISTINCT rules FROM reservations").fetchall() == [
            ("strict/2",)
        ]
    with closing(connect_read_only(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT DISTINCT rules FROM reservations").fetchall() == [("strict/2",)]


KILLED = """
import os, signal, sqlite3, sys
from functools import partial
from pathlib import Path
from crawler.store import database

folder = Path(sys.argv[1])

class Mortal(sqlite3.Connection):
    left = 0
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.set_trace_callback(self.count)
    def count(self, _statement):
        Mortal.left -= 1
        if Mortal.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

def child(path, statements):
    # The process ends before the statement with this number.
    Mortal.left = statements
    sqlite3.connect = partial(sqlite3.connect, factory=Mortal)
    database.connect(path, create=True).close()
    os._exit(0)

killed = 0
for statements in (*range(1, 40), *range(40, 2000, 23)):
    path = folder / f"{statements}.db"
    if not (pid := os.fork()):
        child(path, statements)
    status = os.waitpid(pid, 0)[1]
    killed += os.WIFSIGNALED(status)
    db = database.connect(path, create=True)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    db.close()
    database.connect_read_only(path).close()
    for file in (f"{path}", f"{path}-wal", f"{path}-shm"):
        Path(file).unlink(missing_ok=True)
    if not os.WIFSIGNALED(status):
        break
assert not os.WIFSIGNALED(status)
left = [p.name for p in folder.iterdir()]
assert not left, left
print("killed", killed)
"""


def test_creation_that_is_killed_is_begun_again(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    done = start([sys.executable, "-c", KILLED, folder], tmp_path)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) > 40


LIMITED = """
import os, resource, sys
from pathlib import Path
from crawler.store import database
from crawler.store.database import StoreError

folder = Path(sys.argv[1])
said = set()
for kib in (0, 1, 4, 8, 32, 64, 100, 150, 200, 250, 300, 350):
    path = folder / f"{kib}.db"
    if not (pid := os.fork()):
        resource.setrlimit(resource.RLIMIT_FSIZE, (kib * 1024, resource.RLIM_INFINITY))
        try:
            database.connect(path, create=True).close()
        except StoreError as error:
            print(error, flush=True)
            os._exit(1)
        os._exit(0)
    os.waitpid(pid, 0)
    database.connect(path, create=True).close()
    database.connect_read_only(path).close()
"""


def test_a_limit_of_file_sizes_never_wedges_a_database(tmp_path):
    done = start([sys.executable, "-c", LIMITED, tmp_path], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert len(said) > 3
    for sentence in said:
        assert "failed to read or write" in sentence
        assert "no space left" not in sentence
    assert not list(tmp_path.glob("*.new*"))


def test_a_full_disk_never_wedges_a_database(place, mounts):
    # 300 KB are too few for a database; then the disk grows, and the same command goes on.
    script = f"""
        mount -t tmpfs -o size=300k none {place / "out"}
        export TMPDIR={place}
        "$@" --db {place / "out/audit.db"} || echo "status $?"
        mount -o remount,size=100m {place / "out"}
        "$@" --db {place / "out/audit.db"}
    """
    command = ["unshare", "-m", "sh", "-ec", script, "sh", *PYTHON]
    command += ["crawl", place / "in.txt", "--time-budget", "0s", "--quiet", "--new-run"]
    done = start(command, place)
    assert done.stdout == "status 1\n"
    first, last = done.stderr.splitlines()
    assert "no space left" in first
    assert "stopped early by the time budget" in last


def damage(path, at, octets):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(octets)


def cut(path, size):
    with path.open("r+b") as file:
        file.truncate(size)


DAMAGED = [
    ("header", lambda path: damage(path, 0, b"\0" * 16)),
    ("header and mark", lambda path: damage(path, 0, b"\0" * 100)),
    ("half a header", lambda path: cut(path, 60)),
    ("page size", lambda path: damage(path, 16, b"\xff\xff")),
    ("schema", lambda path: damage(path, 100, b"\xff" * 2000)),
    ("cut in half", lambda path: cut(path, path.stat().st_size // 2 // 4096 * 4096)),
    ("all after the schema", lambda path: damage(path, 40960, b"\xa5" * path.stat().st_size)),
]


@pytest.mark.parametrize("make", [d[1] for d in DAMAGED], ids=[d[0] for d in DAMAGED])
@pytest.mark.parametrize("words", [*READERS.values(), WRITERS["judge"]], ids=[*READERS, "judge"])
def test_a_damaged_database_is_named_as_damaged(words, make, place, tdm_audit):
    make(place / "read/audit.db")
    before = (place / "read/audit.db").read_bytes()
    done = tdm_audit(*filled(words, place))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "damaged" in done.stderr
    assert ".recover" in done.stderr
    assert "keep it" in done.stderr
    for advice in ("name another", "delete", "remove", "discard"):
        assert advice not in done.stderr
    assert (place / "read/audit.db").read_bytes() == before


def test_a_damaged_body_is_named_as_damage(tmp_path):
    path = tmp_path / "audit.db"
    with closing(connect(path, create=True)) as db:
        digest = bodies.save_body(db, b"User-agent: *\n" * 50)
        for (trigger,) in db.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'body'"
        ).fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute("UPDATE body SET content = CAST(substr(content, 1, 12) || x'ffffff' AS BLOB)")
        with pytest.raises(DamagedBodyError, match=f"{digest} are damaged"):
            bodies.read_body(db, digest)


NO_DATABASES = [
    ("text", b"url\nhttp://a.example/\n" * 50, "is a text, not an SQLite database"),
    ("Parquet", b"PAR1\x15\x00" + bytes(2000) + b"PAR1", "not an SQLite database, or a damaged"),
    ("zeros", bytes(9000), "not an SQLite database, or a damaged"),
    ("random", bytes(range(256)) * 40, "not an SQLite database, or a damaged"),
]


@pytest.mark.parametrize(
    ("content", "said"), [n[1:] for n in NO_DATABASES], ids=[n[0] for n in NO_DATABASES]
)
def test_what_is_no_database_is_said(content, said, tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=said):
        connect_read_only(path)


def without_mark(path):
    """Open a database without its mark, as the old creation and `.recover` leave it."""
    connect(path, create=True).close()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA application_id = 0")
    db.execute("PRAGMA user_version = 0")
    return db


def test_a_recovered_database_is_used(tmp_path):
    path = tmp_path / "x.db"
    without_mark(path).close()
    connect_read_only(path).close()
    with closing(connect(path)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (database.APPLICATION_ID,)


def test_creation_that_an_older_version_cut_short_goes_on(tmp_path):
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TABLE _sqlite_migrations "
            "(id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        )
    with pytest.raises(StoreError, match="cut short"):
        connect_read_only(path)
    connect(path).close()
    connect_read_only(path).close()


FOREIGN = [
    ("its mark", "PRAGMA application_id = 7", "mark of another program.*keep it"),
    (
        "no migrations of ours",
        "PRAGMA application_id = 7; DELETE FROM _sqlite_migrations",
        "database of another program",
    ),
]


@pytest.mark.parametrize(("script", "said"), [f[1:] for f in FOREIGN], ids=[f[0] for f in FOREIGN])
def test_marks_of_other_programs(script, said, tmp_path):
    path = tmp_path / "x.db"
    with closing(without_mark(path)) as db:
        db.executescript(script)
    with pytest.raises(StoreError, match=said):
        connect(path)


PLACES = [
    ("/proc", "/proc/x.db", "No such file"),
    ("a folder below /proc", "/proc/1/x.db", "x.db"),
    ("a file for a folder", "/dev/null/x.db", "/dev/null is not a folder"),
    ("a device", "/dev/full", "device"),
    ("a long name", "/tmp/" + "x" * 300, "too long"),
]


@pytest.mark.parametrize(("path", "said"), [p[1:] for p in PLACES], ids=[p[0] for p in PLACES])
def test_a_place_that_cannot_be_used_is_told_with_its_reason(path, said, place, tdm_audit):
    done = tdm_audit("crawl", place / "in.txt", "--db", path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
    assert "another run" not in done.stderr


def test_a_link_to_a_database_that_is_not_there_yet(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "x.db").symlink_to(tmp_path / "there/audit.db")
    connect(tmp_path / "x.db", create=True).close()
    assert (tmp_path / "x.db").is_symlink()
    connect_read_only(tmp_path / "there/audit.db").close()


def test_a_database_made_meanwhile_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "x.db"
    upgrade = database._upgrade

    def race(db):
        monkeypatch.setattr(database, "_upgrade", upgrade)
        upgrade(db)
        with closing(connect(path, create=True)) as other:
            other.execute("INSERT INTO flag_cache VALUES ('first', 'y', x'00')")

    monkeypatch.setattr(database, "_upgrade", race)
    with closing(connect(path, create=True)) as db:
        assert db.execute("SELECT cache_key FROM flag_cache").fetchall() == [("first",)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.db"]
