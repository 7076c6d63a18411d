"""Registrable domains under public suffixes alone, of sites that are under a private suffix."""

import sqlite3
from collections.abc import Iterable

from crawler.urls import canonical

_ADD = "INSERT INTO site_domain (site, domain) VALUES (?, ?) ON CONFLICT DO NOTHING"


def add(db: sqlite3.Connection, sites: Iterable[str]) -> None:
    """Store the domain of each site that differs from its domain."""
    known = ((site, canonical.domain_of(site)) for site in dict.fromkeys(sites))
    db.executemany(_ADD, [(site, domain) for site, domain in known if domain != site])


def add_missing(db: sqlite3.Connection) -> None:
    """Store the domains of a database that was made before they were stored."""
    if db.execute("SELECT EXISTS (SELECT 1 FROM site_domain)").fetchone() == (0,):
        add(db, [site for (site,) in db.execute("SELECT DISTINCT site FROM origin")])
