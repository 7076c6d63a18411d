"""A month of a changing web: 30 hosts, crawled at 12 moments with a moved clock.

Signals appear, move, break and vanish; hosts die, refuse, hang and come back. After each crawl
the states, stale evidence, exceptions and bounds must be what the script of the month says.
"""

import csv
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from crawler.demo.answers import Plain, head, html, json_text, status, text
from crawler.demo.misbehaviour import NeverAnswers
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import SILENT, Site
from tests.conftest import ROOT, patience
from tests.crawl_helpers import rows

FIRST = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
#: Days after the first crawl. The longest gap to the end is more than the 30 days of the rule set.
DAYS = (0, 1, 2, 4, 7, 10, 14, 20, 26, 34, 38, 45)
GONE = status(404)
NONE: dict[str, object] = {}


def tdmrep(value, location="/"):
    return json_text(f'[{{"location": "{location}", "tdm-reservation": {value}}}]')


def robots(*lines):
    return text("\n".join(lines) + "\n")


def everywhere(answer):
    """The same answer to every request."""
    return {"*": answer}


ONE, ZERO = {"/.well-known/tdmrep.json": tdmrep(1)}, {"/.well-known/tdmrep.json": tdmrep(0)}
REFUSED_TO_ALL = robots("User-agent: *", "Disallow: /")
LET_IN = ("User-agent: GPTBot", "User-agent: CCBot", "Allow: /", "", "User-agent: *", "Disallow: /")
#: In place of content: nothing listens at the port of the host.
DEAD = None


@dataclass(frozen=True)
class QuietPage:
    """A page whose 304 carries nothing but its tag (RFC 9110, 15.4.5), whatever headers it has."""

    page: Plain

    async def play(self, exchange):
        if exchange.request.header("if-none-match") == self.page.etag:
            await exchange.send(head(304, (("ETag", self.page.etag),)))
            return True
        return await self.page.play(exchange)


def quiet(*headers):
    return {"/": QuietPage(html(headers=headers))}


# For each host its phases, from a moment on: what it serves, and for each moment of the phase the
# states of `tdm` and `genai_train`, with * for stale evidence and ! for a malformed reservation.
# The last word of a phase holds until the next one.
MONTH = {
    "silent": {0: (NONE, ["silent silent"])},
    "reserved": {0: (ONE, ["reserved reserved"])},
    "permitted": {0: (ZERO, ["permitted silent"])},
    "begins": {0: (NONE, ["silent silent"]), 3: (ONE, ["reserved reserved"])},
    "ends": {0: (ONE, ["reserved reserved"]), 5: (NONE, ["silent silent"])},
    "moves-to-a-header": {
        0: (ONE, ["reserved reserved"]),
        4: ({"/": html(headers=(("tdm-reservation", "1"),))}, ["partial partial"]),
    },
    "moves-to-a-redirect": {
        0: (ONE, ["reserved reserved"]),
        4: (
            {
                "/": Plain(status=302, headers=(("Location", "/there"), ("tdm-reservation", "1"))),
                "/there": html(),
            },
            ["partial partial"],
        ),
    },
    "writes-a-string": {
        0: (ONE, ["reserved reserved"]),
        4: ({"/.well-known/tdmrep.json": tdmrep('"1"')}, ["silent silent !"]),
    },
    "breaks-off": {
        0: (ONE, ["reserved reserved"]),
        4: (
            {"/.well-known/tdmrep.json": json_text('[{"location": "/", "tdm-')},
            ["silent silent !"],
        ),
    },
    "dies": {
        0: (NONE, ["silent silent"]),
        2: (DEAD, ["silent silent *"] * 7 + ["unknown unknown *"]),
    },
    "dies-reserved": {0: (ONE, ["reserved reserved"]), 2: (DEAD, ["reserved reserved *"])},
    "dies-permitted": {
        0: (ZERO, ["permitted silent"]),
        2: (DEAD, ["permitted silent *"] * 7 + ["unknown unknown *"]),
    },
    "comes-back": {
        0: (NONE, ["silent silent"]),
        2: (DEAD, ["silent silent *"]),
        6: (NONE, ["silent silent"]),
    },
    "comes-back-late": {
        0: (NONE, ["silent silent"]),
        2: (DEAD, ["silent silent *"] * 7 + ["unknown unknown *"]),
        10: (NONE, ["silent silent"]),
    },
    "comes-back-reserved": {
        0: (NONE, ["silent silent"]),
        2: (DEAD, ["silent silent *"]),
        6: (ONE, ["reserved reserved"]),
    },
    "never-there": {0: (DEAD, ["unknown unknown"])},
    "forbids": {
        0: (NONE, ["silent silent"]),
        3: (everywhere(status(403)), ["unknown unknown *"]),
    },
    "forbids-reserved": {
        0: (ONE, ["reserved reserved"]),
        3: (everywhere(status(403)), ["reserved reserved *"]),
    },
    "wants-a-password": {
        0: (ZERO, ["permitted silent"]),
        3: (everywhere(status(401)), ["unknown unknown *"]),
        7: (ZERO, ["permitted silent"]),
    },
    "is-censored": {
        0: (NONE, ["silent silent"]),
        5: (everywhere(status(451)), ["unknown unknown *"]),
    },
    "robots-fails": {
        0: (NONE, ["silent silent"]),
        3: ({"/robots.txt": status(503)}, ["silent silent *"] * 6 + ["unknown unknown *"]),
    },
    "is-busy": {
        0: (NONE, ["silent silent"]),
        3: (everywhere(status(429)), ["silent silent *"] * 6 + ["unknown unknown *"]),
    },
    "hangs": {
        0: (NONE, ["silent silent"]),
        9: (everywhere(NeverAnswers()), ["silent silent *"]),
    },
    "refuses-us": {
        0: (NONE, ["silent silent"]),
        3: (
            {"/robots.txt": robots("User-agent: tdm-audit", "Disallow: /")},
            ["unknown unknown *"],
        ),
    },
    "refuses-all": {
        0: (ONE, ["reserved reserved"]),
        3: ({**ONE, "/robots.txt": REFUSED_TO_ALL}, ["reserved reserved *"]),
    },
    "lets-two-in": {
        0: ({"/robots.txt": REFUSED_TO_ALL}, ["refused refused"]),
        4: ({"/robots.txt": robots(*LET_IN)}, ["refused refused except GPTBot,CCBot"]),
        8: ({"/robots.txt": REFUSED_TO_ALL}, ["refused refused"]),
    },
    "hides-by-its-own-rule": {
        0: (
            {**ONE, "/robots.txt": robots("User-agent: *", "Disallow: /.well-known/")},
            ["unknown unknown"],
        ),
    },
    "hides-by-another-rule": {
        0: (
            {**ONE, "/robots.txt": robots("User-agent: *", "Disallow: /*.json$")},
            ["reserved reserved"],
        ),
    },
    "comes-and-goes": {
        moment: (
            DEAD if moment % 2 else NONE,
            ["silent silent *" if moment % 2 else "silent silent"],
        )
        for moment in range(12)
    },
    "adds-a-header-behind-a-304": {
        0: (quiet(), ["silent silent"]),
        # A whole GET is sent when the last one is 30 days old, so on day 34.
        3: (quiet(("Content-Usage", "train-ai=n")), ["silent silent"] * 6 + ["silent partial"]),
    },
}


def phase(host, moment):
    """The phase of a host at a moment: what it serves, and what is expected."""
    begin = max(m for m in MONTH[host] if m <= moment)
    content, words = MONTH[host][begin]
    return content, words[min(moment - begin, len(words) - 1)]


def served(moment):
    for host in MONTH:
        content, _ = phase(host, moment)
        if content is not DEAD:
            otherwise = content.get("*", GONE)
            pages = {} if "*" in content else {"/": html(), **content}
            yield Site(
                host=f"{host}.test", about="", expect=SILENT, pages=pages, otherwise=otherwise
            )


def crawl(folder, moment):
    dataset = folder / "dataset.txt"
    dataset.write_text("".join(f"http://{host}.test/\n" for host in MONTH))
    with LoopbackWeb(list(served(moment))) as web:
        dead = [host for host in MONTH if phase(host, moment)[0] is DEAD]
        elsewhere = [f"{host}.test:80:127.0.0.1:1" for host in dead]
        command = [
            *(sys.executable, "-m", "crawler", "crawl", dataset, "--db", folder / "audit.db"),
            *("--delay", "0", "--timeout", "1s", "--max-age", "0s", "--no-progress", "--quiet"),
            *("--allow-network", "127.0.0.0/8"),
            *(word for to in elsewhere for word in ("--connect-to", to)),
            *("--connect-to", f"::127.0.0.1:{web.port}"),
        ]
        now = FIRST + timedelta(days=DAYS[moment])
        env = os.environ | {"PYTHONPATH": str(ROOT), "TDM_AUDIT_NOW": now.isoformat()}
        done = subprocess.run(
            list(map(str, command)), cwd=ROOT, env=env, capture_output=True, text=True,
            timeout=patience(60), check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


STATES = """
    SELECT host, tdm || ' ' || genai_train || iif(stale, ' *', '') || iif(malformed, ' !', '')
        || iif(exceptions = '[]', '', ' except ' || (
            SELECT group_concat(value) FROM json_each(exceptions)
        ))
    FROM reservations
"""
BOUNDS = """
    SELECT purpose, reserved_min, (
        SELECT coalesce(sum(rows), 0) FROM dataset_summary AS s
        WHERE s.purpose = b.purpose AND s.state IN ('reserved', 'conditional', 'partial')
    ), reserved_max
    FROM dataset_bounds AS b WHERE unit = 'rows' ORDER BY purpose
"""


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    """For each moment the states of all hosts, and the bounds."""
    folder = tmp_path_factory.mktemp("month")
    found = []
    for moment in range(len(DAYS)):
        crawl(folder, moment)
        states = {host.removesuffix(".test"): said for host, said in rows(folder, STATES)}
        found.append((states, rows(folder, BOUNDS)))
    return folder, found


@pytest.mark.parametrize("moment", range(len(DAYS)), ids=[f"day {day}" for day in DAYS])
def test_every_host_is_told_as_the_month_says(month, moment):
    states, _ = month[1][moment]
    assert states == {host: phase(host, moment)[1] for host in MONTH}


def test_the_bounds_are_bounds_at_every_moment(month):
    bounds = [bound for _, of_moment in month[1] for bound in of_moment]
    assert len(bounds) == 5 * len(DAYS)
    assert all(least <= shown <= most for _, least, shown, most in bounds)


def test_what_is_unknown_is_within_the_upper_bound(month):
    for states, bounds in month[1]:
        most = {purpose: maximum for purpose, _, _, maximum in bounds}
        open_or_reserved = sum(
            said.split()[0] not in ("silent", "permitted") for said in states.values()
        )
        malformed = sum(said.endswith("!") for said in states.values())
        assert most["tdm"] == open_or_reserved + malformed


def test_a_reservation_is_known_since_its_first_look(month):
    query = (
        "SELECT substr(since, 1, 10) FROM findings "
        "WHERE origin = ? AND purpose = 'tdm' AND rules = 'signals/2'"
    )
    since = {
        host: rows(month[0], query, f"http://{host}.test")[0][0]
        for host in ("reserved", "begins", "comes-back-reserved", "dies-reserved")
    }
    day = {moment: str((FIRST + timedelta(days=DAYS[moment])).date()) for moment in range(12)}
    assert since == {
        "reserved": day[0],
        "begins": day[3],
        "comes-back-reserved": day[6],
        "dies-reserved": day[0],
    }


def test_the_whole_page_was_asked_for_again_after_thirty_days(month):
    query = (
        "SELECT run, status FROM observations WHERE origin = ? AND resource = 'home' ORDER BY run"
    )
    asked = rows(month[0], query, "http://adds-a-header-behind-a-304.test")
    whole = [run for run, code in asked if code == 200]
    assert whole == [1, DAYS.index(34) + 1]


def test_flags_and_explanations_say_what_is_stale(month, tdm_audit):
    folder = month[0]
    done = tdm_audit(
        "flag", folder / "dataset.txt", "--db", folder / "audit.db", "-o", folder / "flags.csv"
    )
    assert done.returncode == 0, done.stderr
    with (folder / "flags.csv").open(newline="") as file:
        stale = {row["url"]: row["tdm_stale"] for row in csv.DictReader(file)}
    states, _ = month[1][-1]
    assert stale == {
        f"http://{host}.test/": str("*" in said.split()).lower() for host, said in states.items()
    }
    said = tdm_audit("explain", "http://dies.test/", "--db", folder / "audit.db").stdout
    assert "stale: 44 days later refused" in said
