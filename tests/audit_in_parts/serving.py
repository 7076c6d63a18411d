"""Serve an audit in parts, and say what its pages say without what differs between two crawls."""

import json
import re

from crawler.serve.questions import questions
from crawler.store.database import public_views
from tests.serve.conftest import Served

#: A program that serves as the command does, with other bounds.
BOUNDED = (
    "from crawler.serve import served_parts; from crawler.store import whole_copy; "
    "whole_copy.MAX_OBSERVATIONS = {observations}; served_parts.MAX_COPIES = {copies}; "
    "from crawler.cli import main; main()"
)
# Columns that differ between any two crawls, and between one of parts and one of the whole.
_VOLATILE = re.compile(
    r"run|dataset|.*observation.*|.*statement|candidate|natural_key|confirms|headers|days|path|"
    r".*_at|.*_ms|last_seen|first_seen|since|not_before|valid_.*|gone_by|document|address|effect"
)
#: Views and questions of runs, of which each part has its own.
OF_RUNS = frozenset(("runs", "last_runs"))
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^<\"]*")
_PORT = re.compile(r"127\.0\.0\.1:\d+")


def bounded(*, observations=10**9, copies=4):
    """Return the words that make Python serve with other bounds."""
    return ("-c", BOUNDED.format(observations=observations, copies=copies))


def serve(db, cache, **options):
    """Start a server."""
    return Served(db, cache=cache, **options)


def rows(server, path, **asked):
    """Return columns and rows of a page as JSON, in one order, or the sentence of the error."""
    data = json.loads(server.get(f"{path}.json", _shape="arrays", _size="max", **asked)[2])
    if "error" in data and "rows" not in data:
        return data["error"]
    kept = [n for n, column in enumerate(data["columns"]) if not _VOLATILE.fullmatch(column)]
    found = sorted(([_short(row[n]) for n in kept] for row in data["rows"]), key=repr)
    return [[data["columns"][n] for n in kept], *found]


def _short(value):
    """Return a value; of the path of the dataset, its last part."""
    is_path = isinstance(value, str) and value.endswith("/dataset.txt")
    return "dataset.txt" if is_path else value


def answers(server, origin):
    """Return the answers to all questions."""
    asked = {"origin": origin, "purpose": "genai_train"}
    return {
        key: rows(server, f"/audit/{key}", **{name: asked[name] for name in q.parameters})
        for key, q in questions().items()
        if key not in OF_RUNS
    }


def views(server):
    """Return the rows of all public views."""
    return {view: rows(server, f"/audit/{view}") for view in public_views() if view not in OF_RUNS}


def page(server, path, **asked):
    """Return status and text of a page, without times, numbers and the name of the audit."""
    status, _, body = server.get(path, **asked)
    main = body.partition('<main id="main">')[2].partition("</main>")[0]
    main = re.sub(r"observation=\d+", "observation=", _TIME.sub("TIME", main))
    return status, _PORT.sub("ADDRESS", main)


def links(server, path, **asked):
    """Return the links of a page to bytes."""
    found = re.findall(r'href="(/-/bytes/[^"#]*)', server.get(path, **asked)[2])
    return [link.replace("&amp;", "&") for link in dict.fromkeys(found)]
