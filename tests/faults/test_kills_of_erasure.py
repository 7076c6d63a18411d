"""`redact`, `judge` and `verify` killed at any step leave a database that verifies.

The same command, run again, then leaves what an undisturbed one leaves, and no erased octet.
"""

import os
import random  # noqa: TID251 - seeded, so that the moments are the same each time
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest

from crawler.commands.verify import verify
from crawler.store.database import connect_read_only
from tests.store.test_redaction import (
    ROBOTS,
    URL,
    compressed,
    contacts_of,
    digest_of,
    encoded,
    files_with,
    original,
)

__all__ = ["original"]

SEED = 20261129
#: How often each command is killed. A kill takes half a second of the processor.
KILLS = 20 if "TDM_AUDIT_TEST_ALL" in os.environ else 4
# What two equal erasures differ in: when they were, and the digests that cover that.
EVIDENCE = (
    "SELECT digest, size, content FROM body ORDER BY digest",
    "SELECT asked, url, headers, note FROM observation ORDER BY id",
    "SELECT digest, size, redaction FROM withheld_body ORDER BY id",
    "SELECT observation, dataset, origin, n, was, becomes FROM withheld_row ORDER BY id",
    "SELECT reason FROM redaction",
    "SELECT origin, purpose, rules, state, detail FROM finding ORDER BY 1, 2, 3",
    "SELECT * FROM statement ORDER BY 1, 2",
    "SELECT * FROM issue ORDER BY 1, 2",
    "SELECT kind FROM manifest ORDER BY n",
    "SELECT * FROM unfinished_erasure",
)
COMMANDS = {
    "redact a body": ("redact", "--reason", "ticket 17", "--body"),
    "redact a URL": ("redact", "--reason", "ticket 17", "--url", URL),
    "redact an origin": ("redact", "--reason", "ticket 17", "--origin", "a.test"),
    "judge": ("judge", "--keep-contacts"),
    "verify": ("verify", "--derived"),
}


def copied(original, folder):
    folder.mkdir()
    for file in (original, contacts_of(original)):
        shutil.copy(file, folder / file.name)
    return folder / original.name


def evidence(path):
    with closing(sqlite3.connect(path)) as db:
        return [db.execute(query).fetchall() for query in EVIDENCE]


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_what_was_killed_verifies_and_can_be_repeated(words, original, commands, tmp_path):
    if words[-1] == "--body":
        words = (*words, digest_of(original, "robots_txt"))
    octets = {
        "--body": (ROBOTS.encode(), compressed(original, digest_of(original, "robots_txt"))),
        "--url": (b"uebelhoer",),
        "--origin": (*encoded("Rénée Übelhör"), b"uebelhoer", b"renee@a.test"),
    }.get(words[-2], ())
    calm = copied(original, tmp_path / "calm")
    done = commands.run((*words, "--db", calm), die_at=-1)
    assert done.status == 0, done.err
    expected, dice = evidence(calm), random.Random(SEED)
    for kill in range(KILLS):
        path = copied(original, tmp_path / f"rough{kill}")
        arguments = (*words, "--db", path)
        # Spread over all steps, and nowhere by chance.
        first, behind = (done.steps * n // KILLS for n in (kill, kill + 1))
        moment = 1 + dice.randrange(first, max(behind, first + 1))
        assert commands.run(arguments, die_at=moment).status == -signal.SIGKILL
        with closing(connect_read_only(path)) as db:
            found = verify(db)
            assert found.differences == [], moment
        told = commands.run(("verify", "--db", path))
        assert told.status == (0 if found.is_whole else 5), moment
        assert ("`tdm-audit prune --finish --yes`" in told.err) is not found.is_whole
        repeated = commands.run(arguments)
        assert repeated.status == 0, (moment, repeated.err)
        assert evidence(path) == expected, moment
        with closing(connect_read_only(path)) as db:
            assert verify(db, with_derived=True).differences == [], moment
        assert not files_with(path, *octets) - {"the cache of flags"}, moment
