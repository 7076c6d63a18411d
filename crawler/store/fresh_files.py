"""The files of an origin that were requested recently: a visit that goes on takes them as read.

A list of URLs is requested in several visits of an origin. Its policy files, and the robots.txt
that each request is checked against, are requested by the first of them only.
"""

import json
import sqlite3
from typing import Any

from crawler.model import Observation, RevalidatedResponse, Target, fields_of
from crawler.store.bodies import load_body
from crawler.store.runs import Due
from crawler.vocab import EXTRACTED, Outcome, Resource

# RFC 9309, 2.4: a robots.txt is not used for more than 24 hours.
_FRESH_FILES = """
    SELECT resource, asked, url, hop, outcome, status, headers, stored, size, truncated,
        observed_at, note, confirms
    FROM observation
    WHERE origin = :origin AND resource NOT IN ('page', 'media') AND observed_at > :fresh_since
        AND run NOT IN (SELECT id FROM run WHERE settings ->> 'kind' = 'import')
        AND run >= (
            SELECT max(v.run) FROM visit AS v
            JOIN observation AS o ON o.origin = v.origin AND o.run = v.run AND o.resource = 'home'
            WHERE v.origin = :origin AND v.finished_at > :fresh_since AND v.finished_at <= :now
                AND v.run NOT IN (SELECT id FROM run WHERE settings ->> 'kind' = 'import')
        )
        AND (
            resource NOT IN ('robots_txt', 'other_robots_txt')
            OR observed_at > strftime('%Y-%m-%dT%H:%M:%fZ', :now, '-1 day')
        )
    ORDER BY id
"""


def fresh_files(db: sqlite3.Connection, due: Due, origin: int) -> tuple[Observation, ...]:
    """Return the observations of an origin's files since the visit that last requested them all.

    They are empty if there is no such visit after `due.fresh_since`, or if stored bytes are
    damaged or gone.
    """
    values = {"origin": origin, "fresh_since": due.fresh_since, "now": due.now}
    latest: dict[tuple[str, str, int], tuple[Any, ...]] = {}
    for row in db.execute(_FRESH_FILES, values):
        # What was requested again, such as an old robots.txt, replaces what was there before.
        if row[3] == 0:
            for place in [place for place in latest if place[:2] == row[:2]]:
                del latest[place]
        latest[row[0], row[1], row[3]] = row
    found = [_observation(db, row) for row in latest.values()]
    return tuple(o for o in found if o is not None) if None not in found else ()


def _observation(db: sqlite3.Connection, row: tuple[Any, ...]) -> Observation | None:
    """Return a stored observation as the crawl made it; None if its bytes cannot be read."""
    resource, asked, url, hop, outcome, status, headers, stored, size, truncated, *more = row
    observed_at, note, confirms = more
    content = load_body(db, stored) if stored else b""
    try:
        fields = _fields(headers)
        confirmed = _confirmed(db, confirms) if confirms else None
    except (ValueError, TypeError, RecursionError):
        return None
    if content is None:
        return None
    is_extract = Resource(resource) in EXTRACTED
    return Observation(
        target=Target(resource=Resource(resource), asked=asked, url=url, hop=hop),
        outcome=Outcome(outcome),
        status=status,
        headers=fields,
        body=b"" if is_extract else content,
        extract=content if is_extract else b"",
        size=size,
        truncated=bool(truncated),
        started_at=observed_at,
        note=note,
        confirms=confirmed,
    )


def _confirmed(db: sqlite3.Connection, observation: int) -> RevalidatedResponse:
    return RevalidatedResponse(observation=observation, headers=_fields_at(db, observation))


def _fields_at(db: sqlite3.Connection, observation: int) -> tuple[tuple[str, str], ...]:
    query = "SELECT headers, confirms FROM observation WHERE id = ?"
    headers, confirms = db.execute(query, (observation,)).fetchone()
    return fields_of(_fields(headers), _fields_at(db, confirms) if confirms else None)


def _fields(headers: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in json.loads(headers))
