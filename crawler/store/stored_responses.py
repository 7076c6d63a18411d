"""What a server has sent us before: asked on conditions, it need not send it again."""

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

# RFC 9110, 8.8.3 and 5.6.7; what is not so written is not sent back.
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,400}"\Z')
_DATE = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\Z")
_IS_KEPT = """
    SELECT EXISTS (SELECT 1 FROM observation AS o JOIN body ON body.digest = o.stored WHERE id = ?)
"""
_IS_WHOLE = """
    SELECT EXISTS (SELECT 1 FROM observation AS o JOIN body ON body.digest = o.digest WHERE id = ?)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResponse:
    """An answer that is stored: the header fields that ask whether it still holds, what a 304
    would confirm, and its bytes, which are loaded when somebody wants them.
    """

    conditions: Mapping[str, str]
    confirms: RevalidatedResponse
    content: Callable[[], bytes | None]


KnownAnswers = Mapping[tuple[Resource, str], StoredResponse]


def stored_responses(db: sqlite3.Connection, origin: int, *, whole_pages: bool) -> KnownAnswers:
    """The stored answers of an origin that can be asked for on conditions, by resource and URL.

    `whole_pages` leaves out pages of which only the extract was kept.
    """
    last = {
        (Resource(row.resource), row.url): row
        for row in rows_of(db, origin)
        if row.outcome == Outcome.RESPONDED and (row.status == 200 or row.confirmed)
    }
    found = {where: _known(db, row) for where, row in last.items()}
    return {
        where: known
        for where, known in found.items()
        if known.conditions and _is_usable(db, where[0], known, whole_pages=whole_pages)
    }


def _known(db: sqlite3.Connection, row: ObservationRow) -> StoredResponse:
    fields = row.fields
    return StoredResponse(
        conditions=_conditions(fields),
        confirms=RevalidatedResponse(observation=row.key, headers=fields),
        content=functools.partial(load_body, db, row.stored or ""),
    )


def _conditions(fields: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """RFC 9110, 13.1: the entity tag, and the date for servers that know no tags."""
    tag, date = (value_of(fields, name).strip() for name in ("etag", "last-modified"))
    conditions = {"If-None-Match": tag} if _ETAG.match(tag) else {}
    return conditions | ({"If-Modified-Since": date} if _DATE.match(date) else {})


def _is_usable(
    db: sqlite3.Connection, resource: Resource, known: StoredResponse, *, whole_pages: bool
) -> bool:
    """Whether what is kept is there, and all that this program would keep today."""
    number = known.confirms.observation
    if not db.execute(_IS_KEPT, (number,)).fetchone()[0]:
        return False
    if resource not in EXTRACTED:
        return True
    if whole_pages and not db.execute(_IS_WHOLE, (number,)).fetchone()[0]:
        return False
    return resource in PAGES and _is_current(known.content() or b"")


def _is_current(extract: bytes) -> bool:
    try:
        found = json.loads(extract)
        return isinstance(found, dict) and found.get("version") == page.VERSION
    except (ValueError, RecursionError):
        return False
