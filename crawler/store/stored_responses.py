"""Stored responses of an origin, for conditional requests (RFC 9110, 13; RFC 9111, 4.3)."""

import functools
import json
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crawler import page
from crawler.evaluate.current_answers import ObservationRow
from crawler.model import RevalidatedResponse, value_of
from crawler.store.bodies import load_body
from crawler.store.evidence_reader import rows_of
from crawler.vocab import EXTRACTED, PAGES, Outcome, Resource

# RFC 9110, 8.8.3 and 5.6.7. A validator that breaks the grammar is not sent back.
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,400}"\Z')
_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\Z")
_HAS_WHOLE = """
    SELECT EXISTS (SELECT 1 FROM observation AS o JOIN body ON body.digest = o.digest WHERE id = ?)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """A stored response that can be validated.

    `conditions` are the header fields of the conditional request, `confirms` is what a 304 to it
    confirms, and `content` loads the bytes (None if they are gone or damaged). `whole_at` is the
    time of the last whole response: that of a 304 is the time of what it confirms.
    """

    conditions: Mapping[str, str]
    confirms: RevalidatedResponse
    whole_at: str
    content: Callable[[], bytes | None]


StoredResponses = Mapping[tuple[Resource, str], StoredResponse]


def stored_responses(db: sqlite3.Connection, origin: int, *, whole_pages: bool) -> StoredResponses:
    """Return the stored responses of an origin that can be validated, by resource and URL.

    `whole_pages` leaves out pages of which only the extract was stored.
    """
    last = {
        (Resource(row.resource), row.url): row
        for row in rows_of(db, origin)
        if row.outcome == Outcome.RESPONDED and (row.status == 200 or row.confirmed)
    }
    responses = {place: _stored_response(db, row) for place, row in last.items()}
    return {
        place: response
        for place, response in responses.items()
        if response.conditions and _is_usable(db, place[0], response, whole_pages=whole_pages)
    }


def _stored_response(db: sqlite3.Connection, row: ObservationRow) -> StoredResponse:
    fields, whole = row.fields, row
    while whole.confirmed is not None:
        whole = whole.confirmed
    return StoredResponse(
        conditions=_conditions(fields),
        confirms=RevalidatedResponse(observation=row.key, headers=fields),
        whole_at=whole.observed_at,
        content=functools.partial(load_body, db, row.stored or ""),
    )


def _conditions(fields: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the preconditions, a tag and a date (RFC 9110, 13.1.2 and 13.1.3)."""
    tag, date = (value_of(fields, name).strip() for name in ("etag", "last-modified"))
    conditions = {"If-None-Match": tag} if _ETAG.match(tag) else {}
    return conditions | ({"If-Modified-Since": date} if _DATE.match(date) else {})


def _is_usable(
    db: sqlite3.Connection, resource: Resource, response: StoredResponse, *, whole_pages: bool
) -> bool:
    """Return whether the stored bytes are undamaged, and all that this version would store."""
    content = response.content()
    if content is None or resource not in EXTRACTED:
        return content is not None
    number = response.confirms.observation
    if whole_pages and not db.execute(_HAS_WHOLE, (number,)).fetchone()[0]:
        return False
    return resource in PAGES and _is_current(content)


def _is_current(extract: bytes) -> bool:
    try:
        found = json.loads(extract)
        return isinstance(found, dict) and found.get("version") == page.VERSION
    except (ValueError, RecursionError):
        return False
