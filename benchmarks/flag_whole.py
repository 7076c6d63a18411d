"""Flags from an audit in parts with very many origins: time, and the peak of memory.

`python -m benchmarks.flag_whole [--origins 10000000] [--part 20000] [--rows 1000000]
[--hosts 300000] [--files 4] [--workers 1] [--kind usual|unlike] [--quick] [--keep FOLDER]
[--json FILE]` judges one part of synthetic origins (`judge_speed` tells their kinds), writes its
tables again as those of the other parts with names of their own (DuckDB does), and runs
`tdm-audit flag` on files whose rows name `hosts` of all origins: once under the rules that the
audit was judged under, and once for an agent, of which nothing is stored. A file with as many rows
names each of these hosts.
The databases of all parts are links to that of the first, so that evidence is read as from any.
Status 1 if a process takes more than 1.5 GB.
"""

import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import closing
from pathlib import Path

import duckdb

from benchmarks import judge_speed, measure
from benchmarks.measure import Goal
from benchmarks.roll_ups import write_parts
from crawler import rulesets
from crawler.commands.judge import rebuild
from crawler.dataset.duck import connect as connect_duckdb
from crawler.store import excerpts, tables
from crawler.store.audit_folder import AuditFolder, Generation
from crawler.store.database import connect
from crawler.store.part_facts import code_digest, facts_of, sha256_of
from crawler.store.part_plan import PartPlan
from crawler.store.part_writer import seal
from crawler.store.parts import LocalStorage

PEAK = 1536
_TIMEOUT = 3600.0
_ROWS = """
COPY (
    SELECT 'https://' || host || CASE i % 10
        WHEN 0 THEN '/section-' || (i % 97 % 10) || '/' || i || '/print'
        WHEN 1 THEN '/news/' || i || '.html'
        ELSE '/2026/' || left(md5(i::VARCHAR), 12) || '.jpg' END AS url,
        'a picture of ' || md5((i * 7)::VARCHAR) AS caption
    FROM (
        SELECT i, (i * 7919 + i // {hosts}) % {hosts} * {step} AS h
        FROM range({first}, {end}) AS t (i)
    )
    JOIN (
        SELECT key AS host, row_number() OVER () - 1 AS number
        FROM read_parquet('{folder}/tables/origin/*.parquet')
    ) ON number = h
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
"""


def build(folder: Path, size: int, parts: int, kind: str) -> None:
    """Make an audit of equal parts whose origins have names of their own."""
    path = folder / "part.db"
    judge_speed.build(path, size, kind)
    with closing(connect(path)) as db:
        rebuild(db, chosen=rulesets.load("signals"))
        tables.export(db, folder / "audit" / "tables")
    # The others are never read.
    for table in (folder / "audit" / "tables").iterdir():
        if table.name not in excerpts.NEEDED:
            shutil.rmtree(table)
    with closing(connect_duckdb(folder, "4GB")) as duck:
        write_parts(duck, folder / "audit" / "tables", path, parts)
    seal(path)
    audit = AuditFolder(LocalStorage(folder / "audit"))
    facts = facts_of(path, code=code_digest(), about={})
    listed = list_of_tables(folder / "audit" / "tables")
    for part in range(parts):
        generation = Generation(part, 0)
        place = folder / "audit" / generation.name
        place.parent.mkdir(parents=True)
        place.hardlink_to(path)
        place.with_suffix(".json").write_bytes(facts.as_json())
        # Tables that no list names would be made again, from the database of the first part.
        files = {"format": "tdm-audit tables/1", "files": listed[part]}
        audit.storage.replace(f"{generation.folder}/g0-tables.json", json.dumps(files).encode())
    audit.storage.replace("plan.json", PartPlan(by_hash=parts).as_json())


def list_of_tables(folder: Path) -> dict[int, dict[str, dict[str, object]]]:
    """Return by part the tables that are in a folder, with size and SHA-256."""
    listed = defaultdict[int, dict[str, dict[str, object]]](dict)
    for file in sorted(folder.rglob("*.parquet")):
        facts = {"size": file.stat().st_size, "sha256": sha256_of(file)}
        listed[int(file.name[:5])][file.relative_to(folder).as_posix()] = facts
    return listed


def write_rows(folder: Path, files: int, rows: int, hosts: int, origins: int) -> None:
    """Write files of rows that name some of the origins."""
    (folder / "data").mkdir()
    with closing(connect_duckdb(folder, "2GB")) as duck:
        for n in range(files):
            first = n * rows // files
            values: dict[str, object] = {
                "first": first,
                "end": first + rows // files,
                "hosts": hosts,
            }
            values |= {"step": max(1, origins // hosts), "folder": folder / "audit"}
            duck.execute(_ROWS.format(**values, out=folder / "data" / f"{n}.parquet"))


def known(folder: Path) -> float:
    """Return the share of rows that got a verdict from evidence."""
    query = "SELECT avg((tdm_last_looked_at IS NOT NULL)::INTEGER) FROM read_parquet($files)"
    found = duckdb.execute(query, {"files": f"{folder}/*.parquet"}).fetchall()
    return float(found[0][0])


def main() -> int:
    options = measure.options(__doc__)
    options.add_argument("--origins", type=int, default=10_000_000)
    options.add_argument("--part", type=int, default=20_000, help="origins of a part")
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--hosts", type=int, default=300_000, help="hosts that rows name")
    options.add_argument("--files", type=int, default=4)
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--kind", choices=("usual", "unlike"), default="usual")
    options.add_argument("--keep", type=Path, help="a folder for the audit, kept for the next run")
    given = options.parse_args()
    size = min(given.part, 1_000 if given.quick else given.origins)
    parts = max(1, (4_000 if given.quick else given.origins) // size)
    hosts = min(given.hosts, 2_000 if given.quick else given.hosts)
    rows = 20_000 if given.quick else given.rows
    figures: dict[str, float] = {"origins": parts * size, "rows": rows, "hosts": hosts}
    goals = []
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        if not (folder / "data").exists():
            folder.mkdir(exist_ok=True)
            build(folder, size, parts, given.kind)
            write_rows(folder, given.files, rows, hosts, parts * size)
        files = (folder / "audit" / "tables").rglob("*.parquet")
        figures["octets of tables an origin"] = sum(f.stat().st_size for f in files) / (
            parts * size
        )
        for title, words in (("as judged", ()), ("for an agent", ("--agent", "GPTBot"))):
            out = Path(name) / title.replace(" ", "-")
            command: list[str] = [
                "flag",
                str(folder / "data"),
                "--db",
                str(folder / "audit"),
                "-o",
                str(out),
            ]
            command += ["--workers", str(given.workers), "--quiet", *words]
            begun = time.monotonic()
            processes = measure.watch(["crawler", *command], timeout=_TIMEOUT)
            figures |= {f"{title}: seconds": time.monotonic() - begun}
            figures |= {f"{title}: seconds of CPU": sum(process.cpu for process in processes)}
            peak = max(process.peak for process in processes)
            goals.append(Goal(f"{title}: peak MB", peak, PEAK))
            if known(out) < 1:
                raise measure.FailedError(f"{title}: {known(out):.2%} of the rows have evidence")
    print(json.dumps(figures, indent=1))
    return measure.conclude("flag_whole", given.json, figures, goals)


if __name__ == "__main__":
    sys.exit(measure.exit_status(main))
