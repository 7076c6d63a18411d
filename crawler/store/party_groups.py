"""Groups of the parties that current documents and lists name; see `evaluate.party_groups`.

Rules for editors: all groups are made again after a judging that changed any of the rows they are
made from, since one new statement can join two of them. `parties` and `rights_holders` in
views.sql find a group by site and party.
"""

import hashlib
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from crawler.evaluate import party_groups
from crawler.evaluate.party_groups import NamedParty, groups_of
from crawler.protocols.parsing.parties import domain_of
from crawler.urls import canonical

#: Raised when other rows are taken, or the same rows are taken for other namings.
VERSION = 2

#: The name of a file with groups of all parts: of which parts, and the SHA-256 of its bytes.
FILE = re.compile(r"all-([0-9a-f]{16})-([0-9a-f]{32})\.parquet")

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
#: Tables of groups.
TABLES = ("party_group", "party_low_group")
# Pages of licences that anybody uses, and of services that answer for many.
_COMMON = re.compile(
    r"https?://(?:[\w-]+\.)*(?:creativecommons\.org|gnu\.org|opensource\.org|opendatacommons\.org"
    r"|rightsstatements\.org|rslcollective\.org|rslstandard\.org|copyright\.com|europa\.eu)(?:[/:]|\Z)",
    re.IGNORECASE,
)
# Sources whose identifier is a place to ask at, which may answer for many.
_PLACES = frozenset(("rsl.copyright",))


# Roles in which a document refers to another site, whichever party it is about.
_SITE_WIDE = frozenset(("controlled", "controller", "owner_domain", "parent"))


def rebuild(db: sqlite3.Connection) -> bool:
    """Make the groups of all parties again, in the caller's transaction.

    Return False where they were made from the same rows before, and are left as they are.
    """
    rows, listed = db.execute(_CURRENT).fetchall(), db.execute(_LISTED).fetchall()
    made_from = (rows, listed)
    stored = db.execute("SELECT digest FROM party_grouping").fetchone()
    if stored == (_digest(*made_from, *_stored(db)),):
        return False
    namings = [*_namings(rows), *_listed(listed)]
    found = groups_of(namings, _confirmed(rows, namings))
    for table in (*TABLES, "party_grouping"):
        db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    db.executemany("INSERT INTO party_group VALUES (?, ?, ?, ?, ?)", found.members)
    db.executemany("INSERT INTO party_low_group VALUES (?, ?, ?, ?, ?)", found.low_members)
    db.execute("INSERT INTO party_grouping VALUES (1, ?)", (_digest(*made_from, *_stored(db)),))
    return True


_Row = tuple[str, ...]


def _stored(db: sqlite3.Connection) -> list[list[_Row]]:
    return [db.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]  # noqa: S608


def _digest(*parts: list[_Row]) -> str:
    """Return a digest of what groups are made from and of the groups, in whatever order.

    With the groups in it, groups that anybody changed are made again too.
    """
    made_by = (party_groups.VERSION, VERSION, canonical.suffix_list_version())
    # Columns of some groups are NULL, which cannot be compared with text.
    digest = hashlib.sha256(repr(made_by).encode())
    for part in parts:
        digest.update(repr(sorted(map(repr, part))).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def _namings(rows: list[_Row]) -> Iterator[NamedParty]:
    """Yield the parties that documents name."""
    marks, vouched, site_wide = _facts_of_sites(rows)
    for site, _host, role, source, name, uid, identifiers, licence, contact, mailbox in rows:
        if role not in NAMING_ROLES or not (name or uid):
            continue
        given = {"licence page": licence, "contact page": contact, "mailbox": mailbox}
        own = {kind: text for kind, text in given.items() if text and not _COMMON.search(text)}
        pages = (uid, *own.values())
        yield NamedParty(
            site=site,
            name=name,
            uid=uid,
            identifiers=tuple(json.loads(identifiers)),
            marks=(*(f"{kind} {text}" for kind, text in own.items()), *marks.get(site, ())),
            vouched=tuple(mark for only, mark in vouched.get(site, ()) if only == name),
            refers_to=frozenset(
                {*site_wide.get(site, ()), *filter(None, map(_site_of, pages))} - {site}
            ),
            links_by_uid=role != "controller" and source not in _PLACES,
        )


def _facts_of_sites(
    rows: list[_Row],
) -> tuple[dict[str, list[str]], dict[str, list[tuple[str, str]]], dict[str, set[str]]]:
    """Return what documents say of whole sites.

    These are marks of all parties of a site; marks that an authority vouches for, each with the
    name that it is for; and the sites that it refers to.
    """
    marks: dict[str, list[str]] = defaultdict(list)
    vouched: dict[str, list[tuple[str, str]]] = defaultdict(list)
    refers_to: dict[str, set[str]] = defaultdict(set)
    for site, _host, role, _source, name, uid, *_ in rows:
        if role == "operator" and name:
            vouched[site].append((name, f"certificate of {name}"))
        elif role == "parent" and (name or uid):
            marks[site].append(f"parent organisation {name or uid}")
        elif role == "owner_domain":
            marks[site].append(f"ads.txt domain {uid}")
        if role in _SITE_WIDE and uid:
            refers_to[site].add(_site_of(uid))
    return marks, vouched, refers_to


@lru_cache(maxsize=65_536)
def _site_of(text: str) -> str:
    """Return the site of a URL, a mailbox or a host; empty for another text."""
    if "://" not in text:
        text = text.rpartition("@")[2]
    host = domain_of(text) if "." in text and " " not in text else ""
    return canonical.site_of(host) if host else ""


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


def _listed(rows: list[_Row]) -> Iterator[NamedParty]:
    """Yield the parties that lists name: the publisher of the list vouches for them."""
    for site, name, identifiers, list_name in rows:
        yield NamedParty(
            site=site,
            name=name,
            identifiers=tuple(json.loads(identifiers)),
            vouched=(f"list of {list_name}",),
        )
