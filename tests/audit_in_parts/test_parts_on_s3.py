"""An audit in parts on S3 says what one in a folder does, whatever is killed or done twice."""

import json
import os
import signal
import socket
import sys
import threading
from contextlib import closing

import duckdb
import pytest

from tests.audit_in_parts import folders
from tests.audit_in_parts.serving import answers, bounded, links, page, serve
from tests.audit_in_parts.test_tables_apart import work
from tests.conftest import run
from tests.crawl_helpers import waited_for
from tests.forks import Commands
from tests.s3 import SECRETS, moto_server

PARTS = 4


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with moto_server(tmp_path_factory.mktemp("s3")) as server:
        server.put("bucket")
        yield server


@pytest.fixture(scope="module")
def on_s3():
    with Commands(modules=("s3fs",)) as started:
        yield started


class Audit:
    """An audit on S3, with the commands that work on it."""

    def __init__(self, url, server, web, commands, scratch):
        self.url, self.server, self._web, self._commands = url, server, web, commands
        self.key = url.removeprefix("s3://")
        self._env = server.env | {"AWS_MAX_ATTEMPTS": "1", "TMPDIR": str(scratch)}

    def start(self, *words, **env):
        return self._commands.start(words, env=self._env | env)

    def wait(self, pid):
        done = self._commands.wait(pid)
        assert not any(secret in done.out + done.err for secret in SECRETS)
        return done

    def run(self, *words, status=0, **env):
        done = self.wait(self.start(*words, **env))
        assert done.status == status, done.err
        return done

    def crawl_command(self, *more, delay="0"):
        return [
            *("crawl", "--db", self.url, "--delay", delay, "--timeout", "3s", "--json"),
            *("--connect-to", f"::127.0.0.1:{self._web.port}", "--no-progress"),
            *("--allow-network", "127.0.0.1/32", *more),
        ]

    def crawl(self, *more, **env):
        return json.loads(self.run(*self.crawl_command(*more), **env).out)

    def crawl_slowly(self, *more, requests, **env):
        """Start a crawl; return its process once the web has answered so many requests of it."""
        before = len(self._web.log)
        pid = self.start(*self.crawl_command(*more, "--concurrency", "1", delay="30ms"), **env)
        assert waited_for(lambda: len(self._web.log) >= before + requests)
        return pid

    def status(self, status=0):
        return json.loads(self.run("status", "--db", self.url, "--json", status=status).out)

    def names(self):
        prefix = f"{self.key.partition('/')[2]}/"
        found = self.server.get(f"bucket?list-type=2&prefix={prefix}").decode().split("<Key>")
        return [one.partition("<")[0].removeprefix(prefix) for one in found[1:]]

    def copied(self, folder):
        """Copy the audit into a folder as it is, and return the newest database of each part."""
        for name in self.names():
            file = folder / "audit" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(self.server.get(f"{self.key}/{name}"))
        return folders.newest(folder)


@pytest.fixture
def audit(s3, web, on_s3, plan_of_four, tmp_path):
    """Return an audit on S3 that is planned in four parts."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    key = f"bucket/{tmp_path.name}"
    for file in (plan_of_four / "audit").rglob("*.*"):
        if file.suffix != ".lock":
            s3.put(f"{key}/{file.relative_to(plan_of_four / 'audit')}", file.read_bytes())
    return Audit(f"s3://{key}", s3, web, on_s3, scratch)


@pytest.fixture(scope="module")
def whole(s3, web, on_s3, urls, tmp_path_factory):
    """Return an audit that was planned and crawled on S3, and a folder with a copy of it."""
    folder = tmp_path_factory.mktemp("whole")
    audit = Audit("s3://bucket/whole/audit", s3, web, on_s3, folder)
    dataset = folder / "dataset.txt"
    dataset.write_text("".join(f"{url}\n" for url in urls))
    plan = ("plan", dataset, "--db", audit.url, "--json", "--no-progress")
    planned = json.loads(audit.run(*plan, "--parts", str(PARTS)).out)
    assert (planned["parts"], planned["changed"]) == (PARTS, PARTS)
    assert json.loads(audit.run(*plan).out)["changed"] == 0
    assert audit.status(status=4)["states"]["due"] == PARTS
    assert audit.crawl("--part", "0", "--workers", "2")["visited"] > 0
    assert audit.crawl("--workers", "2")["parts"]["done"] == [1, 2, 3]
    return audit, folder, audit.copied(folder)


@pytest.fixture(scope="module")
def words(whole):
    """Return what each part says after an undisturbed crawl."""
    return [folders.said(path) for path in whole[2]]


def assert_says(paths, expected):
    assert {view for view, rows in folders.said(*paths).items() if rows != expected[view]} == set()


def test_crawled_and_judged_as_in_a_folder(whole, urls, calm, calm_words):
    audit, folder, crawled = whole
    assert_says(crawled, calm_words)
    assert folders.summary(*crawled) == folders.summary(calm)
    in_folder = run("status", "--db", folder / "audit", "--json")
    assert (in_folder.returncode, json.loads(in_folder.stdout)) == (0, audit.status())
    judged = json.loads(audit.run("judge", "--db", audit.url, "--json", "--workers", "1").out)
    assert judged["judged"] == len(urls) - 1
    again = audit.copied(folder)
    assert [path.name for path in again] == ["g2.db"] * PARTS
    assert_says(again, calm_words)
    kept = b"".join(path.read_bytes() for path in (folder / "audit").rglob("*.*"))
    assert not any(secret.encode() in kept for secret in SECRETS)


def test_tables_that_another_process_writes_are_put(audit, web):
    done, loaded = work(audit.url, web, 0, audit.server.env)
    assert (done["end"], done["warnings"], loaded) == ("done", [], set())
    names = audit.names()
    assert {"parts/00001/g1-tables.json", "tables/origin/00001-g1.parquet"} <= set(names)


def test_a_question_about_a_url_fetches_the_plan_and_one_part(whole, urls):
    audit, folder, _ = whole
    part = folders.opened(folder).plan().part_of(urls[0].split("/")[2])
    newest = audit.copied(folder)[part]
    since = len(audit.server.log.read_text())
    explained = audit.run("explain", urls[0], "--db", audit.url)
    fetched = {"plan.json": 1, f"parts/{part:05d}/{newest.name}": 1}
    assert audit.server.fetched(since) == {f"{audit.key}/{k}": n for k, n in fetched.items()}
    assert explained.out == run("explain", urls[0], "--db", newest).stdout != ""


def test_a_server_shows_what_it_shows_of_a_folder(whole, tmp_path):
    audit, folder, _ = whole
    audit.copied(folder)
    env = audit.server.env | {"TMPDIR": str(tmp_path)}
    # Of the copies of parts one is kept at a time.
    on_s3 = serve(audit.url, tmp_path / "cache", env=env, program=bounded(copies=1))
    here = serve(folder / "audit", tmp_path / "other")
    assert page(on_s3, "/") == page(here, "/")
    origins = [origin for (origin,) in here.sql("SELECT origin FROM reservations ORDER BY 1")]
    assert answers(on_s3, origins[0]) == answers(here, origins[0])
    for origin in (*origins[:12:2], *origins[:12:4]):
        assert page(on_s3, "/-/origin", url=origin) == page(here, "/-/origin", url=origin)
        for link in links(on_s3, "/-/origin", url=origin, about="origin"):
            assert page(on_s3, link) == page(here, link)
        assert len(list(tmp_path.glob("tdm-audit-part-*/parts/*/*.db"))) <= 1
    _, _, body = on_s3.get("/-/search", q="location")
    assert "Search reads the databases of all parts" in body
    assert (on_s3.end(), here.end()) == ((0, ""), (0, ""))
    assert list(tmp_path.glob("tdm-audit-*")) == []
    assert not any(secret in body for secret in SECRETS)


def test_commands_that_read_all_parts(whole):
    audit, folder, _ = whole
    audit.copied(folder)
    for command in (
        ("report", "-o", "-", "--format", "json"),
        ("report", "-o", "-", "--format", "md", "--as-of", "2100-01-01"),
        ("export", "sites", "-o", "-"),
        ("changes", "--format", "json"),
    ):
        of_folder = run(*command, "--db", folder / "audit")
        assert of_folder.returncode == 0, of_folder.stderr
        assert audit.run(*command, "--db", audit.url).out == of_folder.stdout
    script = audit.run("export", "--sql", "--db", audit.url, "-o", "-").out
    with closing(duckdb.connect()) as duck:
        duck.execute(script)
        (sites,) = duck.execute("SELECT count(*) FROM sites").fetchone()
    listed = run("export", "sites", "--db", folder / "audit", "-o", "-").stdout
    assert sites == len(listed.splitlines()) - 1


def test_verified_as_in_a_folder(whole):
    audit, folder, _ = whole
    audit.copied(folder)
    of_folder = run("verify", "--db", folder / "audit", "--json")
    assert (of_folder.returncode, json.loads(of_folder.stdout)["whole"]) == (0, True)
    assert audit.run("verify", "--db", audit.url, "--json", "--workers", "1").out == (
        of_folder.stdout
    )


def test_a_list_is_imported_once(audit, tmp_path):
    (tmp_path / "list.csv").write_text("domain,name\nh03.test,Three Ltd\nh04.test,Four Ltd\n")
    words = ("--as", "parties", "--publisher", "P", "--db", audit.url)
    done = audit.run("import", tmp_path / "list.csv", *words)
    assert "2 rows, naming 2 origins of this audit." in done.out
    names = audit.names()
    assert "was imported before" in audit.run("import", tmp_path / "list.csv", *words).out
    assert audit.names() == names
    listed = folders.query(audit.copied(tmp_path), "SELECT domain FROM party_list_entry")
    assert sorted(listed) == [("h03.test",), ("h04.test",)]


@pytest.mark.parametrize("words", [(), ("--agent", "GPTBot", "--workers", "2")], ids=len)
def test_flags_are_those_of_a_folder(whole, urls, calm, tmp_path, words):
    audit, *_ = whole
    (tmp_path / "data").mkdir()
    for n in range(3):
        rows = [f"{url}{path}" for url in urls for path in ("", "/private/1", "/home")][n::3]
        (tmp_path / f"data/{n}.csv").write_text("".join(f"{row}\n" for row in ["url", *rows]))
        audit.server.put(
            f"bucket/data-{len(words)}/{n}.csv", (tmp_path / f"data/{n}.csv").read_bytes()
        )
    audit.copied(tmp_path)
    done = run(
        "flag", tmp_path / "data", "--db", tmp_path / "audit", "-o", tmp_path / "out", *words
    )
    assert done.returncode == 0, done.stderr
    out = f"s3://bucket/out-{len(words)}"
    cache = str(tmp_path / "cache")
    flag = ("flag", f"s3://bucket/data-{len(words)}/", "--db", audit.url, "-o", out, *words)
    audit.run(*flag, XDG_CACHE_HOME=cache)
    for n in range(3):
        expected = (tmp_path / f"out/{n}.csv").read_bytes()
        assert audit.server.get(f"bucket/out-{len(words)}/{n}.csv") == expected
    assert b"reserved" in expected
    # The second time the tables are in the cache.
    since = len(audit.server.log.read_text())
    again = audit.run(*flag, "--json", XDG_CACHE_HOME=cache)
    assert len(json.loads(again.out)["finished_before"]) == 3
    assert not any("/tables/" in name for name in audit.server.fetched(since))


def test_a_part_twice_at_once(audit, words, tmp_path):
    # A second temporary directory stands for a second machine.
    other = tmp_path / "other"
    other.mkdir()
    pid = audit.crawl_slowly("--part", "1", requests=2)
    os.kill(pid, signal.SIGSTOP)
    refused = audit.run(*audit.crawl_command("--part", "1"), status=3)
    assert f"another run on this machine holds {audit.url}/parts/00001" in refused.err
    twin = audit.crawl("--part", "1", TMPDIR=str(other))
    assert twin["parts"]["done"] == [1]
    put = audit.server.get(f"{audit.key}/parts/00001/g1.db")
    os.kill(pid, signal.SIGCONT)
    done = audit.wait(pid)
    assert (done.status, done.err) == (0, "")
    assert json.loads(done.out)["parts"]["superseded"] == [1]
    assert audit.server.get(f"{audit.key}/parts/00001/g1.db") == put
    found = audit.copied(tmp_path)
    assert [path.name for path in found] == ["g0.db", "g1.db", "g0.db", "g0.db"]
    assert_says(found[1:2], words[1])


def test_a_process_is_killed_and_the_command_run_again(audit, words, tmp_path):
    before = audit.names()
    pid = audit.crawl_slowly("--part", "2", requests=10)
    os.kill(pid, signal.SIGKILL)
    assert audit.wait(pid).status == -signal.SIGKILL
    assert audit.names() == before
    assert audit.crawl("--part", "2")["parts"]["done"] == [2]
    assert_says(audit.copied(tmp_path)[2:3], words[2])
    assert list((tmp_path / "scratch").glob("tdm-audit-part-*")) == []
    # A process that is killed between the database and its facts: the database tells them.
    told = [row | {"most_per_address": None} for row in audit.status(status=4)["part"]]
    audit.server.delete(f"{audit.key}/parts/00002/g1.json")
    assert audit.status(status=4)["part"] == told


class Line:
    """A line to a server, which can be cut."""

    def __init__(self, server):
        self._target = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._ends += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    @staticmethod
    def _carry(source, target):
        try:
            while octets := source.recv(65536):
                target.sendall(octets)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def cut(self):
        for end in (self._listener, *self._ends):
            for close in (lambda end=end: end.shutdown(socket.SHUT_RDWR), end.close):
                try:
                    close()
                except OSError:
                    continue


def test_the_server_goes_down_meanwhile(audit, words, tmp_path):
    line, before = Line(audit.server), audit.names()
    pid = audit.crawl_slowly("--part", "3", requests=10, AWS_ENDPOINT_URL=line.url)
    line.cut()
    done = audit.wait(pid)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"tdm-audit: {audit.url}/")
    assert "what was put before is kept, and the same command goes on from there" in done.err
    assert done.err.count("\n") == 1
    assert audit.names() == before
    # Of the pool as well: no other part would fare better, and none counts as failed.
    pool = audit.run(*audit.crawl_command("--workers", "1"), status=1, AWS_ENDPOINT_URL=line.url)
    assert pool.err.count("\n") == 1
    assert audit.crawl("--part", "3")["parts"]["done"] == [3]
    assert_says(audit.copied(tmp_path)[3:4], words[3])


REFUSED = {
    "s3://jane:s3cret@bucket/x": "is not just a bucket and a folder",
    "s3://bucket/x?X-Amz-Signature=5160a7u4e": "is not just a bucket and a folder",
    "s3://bucket/x*": "is not just a bucket and a folder",
    "memory://bucket/x": "only s3:// and gs:// refuse to replace a file",
    "s3://bucket/nothing": "s3://bucket/nothing has no plan.json",
    "s3://nobucket/x": "s3://nobucket/x has no plan.json",
}


@pytest.mark.parametrize("url", REFUSED)
def test_places_that_are_refused(s3, on_s3, url):
    done = on_s3.run(["status", "--db", url], env=s3.env)
    assert done.status == (1 if "memory" in url else 2)
    assert REFUSED[url] in done.err
    assert not any(secret in done.out + done.err for secret in SECRETS)


@pytest.mark.parametrize("command", [("prune",)])
def test_commands_that_do_not_work_on_parts_say_so(s3, on_s3, command):
    done = on_s3.run([*command, "--db", "s3://bucket/x"], env=s3.env)
    assert done.status == 2
    assert "does not work on an audit in parts yet" in done.err
    assert "s3://bucket/x" in done.err


def test_without_the_packages_it_is_said_how_to_install_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    done = run("status", "--db", "gs://bucket/x")
    assert done.returncode == 1
    assert done.stderr == (
        "tdm-audit: gs://bucket/x needs packages that are not there; install them with: "
        ".venv/bin/pip install -e '.[remote]'\n"
    )
