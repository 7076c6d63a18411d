"""The metadata of Datasette: descriptions, order, facets and paths of the public views."""

from typing import Any
from urllib.parse import urlencode

from crawler.serve.gate import DATABASE
from crawler.serve.questions import canned_queries
from crawler.store.database import public_views

_STATES = ["genai_train", "tdm"]
# Columns by which the lines of a view are counted at its side. Few: each is a query.
_FACETS = {
    "reservations": [*_STATES, "basis", "tier", "conflict"],
    "findings": ["purpose", "state", "rules"],
    "statements": ["protocol", "stance", "purpose"],
    "issues": ["code", "protocol"],
    "candidates": ["strength", "kind", "language"],
    "observations": ["outcome", "resource", "status"],
    "coverage": ["presence", "resource", "last_outcome"],
    "conflicts": ["kind", "purpose"],
    "sites": _STATES,
    "dataset_sites": ["dataset", *_STATES],
    "rights_holders": ["named", "confidence", *_STATES],
    "trail": ["purpose", "state", "protocol"],
    "changes": ["kind", "purpose", "rules"],
    "agents": ["class"],
}
#: The column by which a view is sorted, largest first.
DESCENDING = {
    "runs": "started_at",
    "reservations": "rows",
    "sites": "rows",
    "dataset_sites": "rows",
    "rights_holders": "rows",
    "changes": "first_seen",
    "protocols": "reserving_sites",
}


# Columns that a link to a view leaves out: they repeat others, or are keys of it.
_LEFT_OUT = {
    "reservations": ("host", "site", "rules"),
    "findings": ("site", "statement", "candidate"),
    "statements": ("statement", "site", "resource", "rule", "reads", "observation"),
    "candidates": ("candidate", "site", "document", "protocol_version"),
    "observations": ("headers", "natural_key"),
    "coverage": ("site",),
    "conflicts": ("reserving_statement", "permitting_statement"),
    "parties": ("site",),
    "history": ("site", "effect"),
    "changes": ("site",),
}


def view_path(view: str) -> str:
    """Return the path of a view, without the columns that few readers need."""
    left_out = urlencode([("_nocol", column) for column in _LEFT_OUT.get(view, ())])
    return f"/{DATABASE}/{view}{'?' if left_out else ''}{left_out}"


def metadata() -> dict[str, Any]:
    """Return the metadata of Datasette: the public views, and the questions."""
    tables = {}
    for view, (text, columns) in public_views().items():
        entry: dict[str, Any] = {"description": text, "columns": columns}
        if view in _FACETS:
            entry["facets"] = _FACETS[view]
        if view in DESCENDING:
            entry["sort_desc"] = DESCENDING[view]
        tables[view] = entry
    return {"databases": {DATABASE: {"tables": tables, "queries": canned_queries()}}}
