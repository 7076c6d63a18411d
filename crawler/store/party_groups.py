"""Groups of the parties that current documents and lists name; see `evaluate.party_groups`.

Rules for editors: all groups are made again after each judging, since one new statement can join
two of them. `parties` and `rights_holders` in views.sql find a group by site and party.
"""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator

from crawler.evaluate.party_groups import NamedParty, groups_of

#: Roles in which a party is named as one whose rights an origin may offer.
NAMING_ROLES = ("holder", "publisher", "offers_licence", "controller")
_CURRENT = """
    SELECT DISTINCT
        origin.site,
        CASE WHEN origin.host LIKE 'www.%' THEN substr(origin.host, 5) ELSE origin.host END,
        party.role, party.source, party.name_key, party.uid, party.identifiers,
        coalesce(party_page.licence_page, party.licence_page),
        coalesce(party_page.contact_page, party.contact_page), party.mailbox
    FROM party
    CROSS JOIN observation_reading ON observation_reading.reading = party.reading
    CROSS JOIN observation ON observation.id = observation_reading.observation
    CROSS JOIN resource_evidence
        ON resource_evidence.origin = observation.origin
        AND resource_evidence.observation = observation.id
    JOIN origin ON origin.id = resource_evidence.origin
    LEFT JOIN party_page
        ON party_page.observation = observation.id AND party_page.reading = party.reading
        AND party_page.n = party.n
"""
_LISTED = """
    SELECT DISTINCT
        origin.site, entry.name_key, entry.identifiers, list.publisher || ' ' || list.version
    FROM party_list_entry AS entry
    JOIN party_list AS list ON list.id = entry.list
    JOIN origin ON origin.key IN (entry.domain, 'www.' || entry.domain)
        OR origin.site = entry.domain
    WHERE entry.name_key != ''
"""
# Pages of licences that anybody uses, and of services that answer for many.
_COMMON = re.compile(
    r"https?://(?:[\w-]+\.)*(?:creativecommons\.org|gnu\.org|opensource\.org|opendatacommons\.org"
    r"|rightsstatements\.org|rslcollective\.org|rslstandard\.org|copyright\.com|europa\.eu)(?:[/:]|\Z)",
    re.IGNORECASE,
)
# Sources whose identifier is a place to ask at, which may answer for many.
_PLACES = frozenset(("rsl.copyright",))


def rebuild(db: sqlite3.Connection) -> None:
    """Make the groups of all parties again, in the caller's transaction."""
    db.execute("DELETE FROM party_group")
    rows = db.execute(_CURRENT).fetchall()
    marks = _marks_of_sites(rows)
    namings = [*_namings(rows, marks), *_listed(db)]
    members = groups_of(namings, _confirmed(rows, namings))
    db.executemany("INSERT INTO party_group VALUES (?, ?, ?, ?, ?)", members)


_Row = tuple[str, ...]


def _namings(rows: list[_Row], marks: dict[str, list[tuple[str, str]]]) -> Iterator[NamedParty]:
    for site, _host, role, source, name, uid, identifiers, licence, contact, mailbox in rows:
        if role not in NAMING_ROLES or not (name or uid):
            continue
        own = [f"licence page {licence}", f"contact page {contact}", f"mailbox {mailbox}"]
        given = [mark for mark, text in zip(own, (licence, contact, mailbox), strict=True) if text]
        yield NamedParty(
            site=site,
            name=name,
            uid=uid,
            identifiers=tuple(json.loads(identifiers)),
            marks=(
                *(mark for mark in given if not _COMMON.search(mark)),
                *(mark for only, mark in marks.get(site, ()) if only in ("", name)),
            ),
            links_by_uid=role != "controller" and source not in _PLACES,
        )


def _marks_of_sites(rows: list[_Row]) -> dict[str, list[tuple[str, str]]]:
    """Return what marks all parties of a site, each with the one name that it is for, or empty."""
    marks: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for site, _host, role, _source, name, uid, *_ in rows:
        if role == "operator" and name:
            marks[site].append((name, f"certificate of {name}"))
        elif role == "parent" and (name or uid):
            marks[site].append(("", f"parent organisation {name or uid}"))
        elif role == "owner_domain":
            marks[site].append(("", f"ads.txt domain {uid}"))
    return marks


def _confirmed(
    rows: list[_Row], namings: list[NamedParty]
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield pairs of parties of which two sites say the same: who controls whom (trust.txt)."""
    controls = {(host, uid) for _, host, role, _, _, uid, *_ in rows if role == "controlled"}
    sites = {row[1]: row[0] for row in rows}
    named: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for naming in namings:
        if naming.name:
            named[naming.site].add(naming.key)
    first: dict[str, tuple[str, str]] = {}
    for site, host, role, _source, name, uid, *_ in rows:
        if role != "controller" or uid == host or (uid, host) not in controls:
            continue
        own = named.get(sites.get(uid, ""), set())
        key = (site, name or uid)
        yield key, first.setdefault(uid, next(iter(own)) if len(own) == 1 else key)


def _listed(db: sqlite3.Connection) -> Iterator[NamedParty]:
    for site, name, identifiers, list_name in db.execute(_LISTED):
        yield NamedParty(
            site=site,
            name=name,
            identifiers=tuple(json.loads(identifiers)),
            marks=(f"list of {list_name}",),
        )
