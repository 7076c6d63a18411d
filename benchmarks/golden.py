"""Compare the answers of two versions of this program, from the same evidence.

    python -m benchmarks.golden record --db audit.db --dataset data.parquet -o DIR
    python -m benchmarks.golden compare DIR1 DIR2

`record` judges a copy of the database again and writes down every answer: all public views,
explanations of 200 URLs, flags under three rule sets, exit statuses and messages on bad input.
Run it once with each version: the folder that you are in is the version that runs.
`compare` lists what differs, and exits with 1 if anything does. With `--counts-only` it ignores
wording and prints what changed under each rule set: states by origins and rows, marks such as
`malformed`, both bounds, and flags. `--flips FILE.csv` lists each finding whose state changed.
"""

import argparse
import csv
import filecmp
import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import duckdb

RULES = ("signals", "inclusive", "strict")
URLS = 200
SHOWN = ("state", "detail", "protocol")
#: Columns that qualify a finding, and the values that stand for none.
MARKS = ("conflict", "malformed", "exceptions", "stale")
NONE = ("", "0", "[]")
PURPOSES = ("tdm", "ai_train", "genai_train", "ai_input", "search")
BAD = (
    ("crawl", "missing.parquet"),
    ("crawl",),
    ("judge", "--db", "missing.db"),
    ("explain", "not a host", "--db", "DB"),
    ("explain", "https://never-asked.example/", "--db", "DB"),
    ("explain", "--body", "0" * 64, "--db", "DB"),
    ("export", "no_such_view", "--db", "DB", "-o", "x.csv"),
    ("export", "sites", "--db", "DB", "-o", "x.docx"),
    ("flag", "missing.csv", "--db", "DB", "-o", "x.csv"),
    ("flag", "DATASET", "--db", "DB", "-o", "x.docx"),
    ("judge", "--db", "DB", "--rules", "no-such-rules"),
    ("--no-such-option",),
)


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the command of the version in this folder."""
    root = str(Path.cwd())
    code = f"import sys; sys.path.insert(0, {root!r}); from crawler.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False)


def checked(*arguments: object) -> bytes:
    """Run the command; exit with its message if it fails."""
    done = run(*arguments)
    if done.returncode:
        sys.exit(f"{arguments}: {done.stderr.decode()}")
    return done.stdout


def urls_of(dataset: Path) -> list[str]:
    """Return a fixed choice of the dataset's URLs: those with the smallest digests."""
    with closing(duckdb.connect()) as duck:
        rows = duck.execute("SELECT DISTINCT url FROM read_parquet(?)", [str(dataset)]).fetchall()
    urls = [url for (url,) in rows if url]
    return sorted(urls, key=lambda url: hashlib.sha256(url.encode("utf-8", "replace")).digest())[
        :URLS
    ]


def record(db: Path, dataset: Path, out: Path) -> None:
    """Write the answers of this version to a new folder."""
    out.mkdir(parents=True)
    work = out / "work"
    work.mkdir()
    copy = work / "audit.db"
    shutil.copy(db, copy)
    for extra in ("-wal", "-shm"):
        if db.with_name(db.name + extra).exists():
            shutil.copy(db.with_name(db.name + extra), copy.with_name(copy.name + extra))
    checked("judge", "--db", copy, "--rules", "signals", "--quiet")
    for view in _views():
        checked("export", view, "--db", copy, "-o", out / f"view-{view}.csv", "--quiet")
    explained = []
    for url in urls_of(dataset):
        done = run("explain", url, "--db", copy, "--json")
        explained.append([url, done.returncode, done.stdout.decode(), done.stderr.decode()])
    (out / "explained.json").write_text(json.dumps(explained, indent=1), "utf-8")
    for rules in RULES:
        flags = work / f"flags-{rules}.csv"
        checked("flag", dataset, "--db", copy, "-o", flags, "--rules", rules, "--quiet")
        flags.rename(out / flags.name)
    outputs = []
    for arguments in BAD:
        paths = {"DB": str(copy), "DATASET": str(dataset)}
        done = run(*(paths.get(a, a) for a in arguments), cwd=work)
        text = (done.stdout + done.stderr).decode().replace(str(copy), "DB")
        outputs.append([arguments, done.returncode, text.replace(str(dataset), "DATASET")])
    (out / "bad-input.json").write_text(json.dumps(outputs, indent=1), "utf-8")
    shutil.rmtree(work)


def _views() -> list[str]:
    """Return the names of the public views of the version in this folder."""
    code = "from crawler.store.database import public_views; print(*sorted(public_views()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return done.stdout.decode().split()


def compare(old: Path, new: Path) -> int:
    """Print which files differ and the first differing lines of each; return 1 if any does."""
    names = sorted({p.name for folder in (old, new) for p in folder.iterdir()})
    different = 0
    for name in names:
        one, other = old / name, new / name
        if not one.exists() or not other.exists():
            print(f"{name}: only in {old if one.exists() else new}")
        elif filecmp.cmp(one, other, shallow=False):
            continue
        else:
            before, after = (p.read_text("utf-8").splitlines() for p in (one, other))
            removed, added = set(before) - set(after), set(after) - set(before)
            print(f"{name}: {len(removed):,} lines removed, {len(added):,} added")
            for sign, lines in (("-", sorted(removed)), ("+", sorted(added))):
                for line in lines[:3]:
                    print(f"  {sign} {line[:300]}")
        different += 1
    print(f"{len(names) - different} of {len(names)} files are equal")
    return 1 if different else 0


def flips(old: Path, new: Path) -> list[dict[str, str]]:
    """Return the findings of origins in both folders whose state changed, under each rule set.

    Rule sets are compared by id, whatever their versions are.
    """
    before, after = _findings(old), _findings(new)
    changes = []
    for key in sorted(before.keys() & after.keys()):
        one, other = before[key], after[key]
        if one["state"] != other["state"]:
            origin, purpose, rules = key
            change = {"origin": origin, "purpose": purpose, "rules": rules}
            change |= {f"old_{c}": one[c] for c in SHOWN} | {f"new_{c}": other[c] for c in SHOWN}
            changes.append(change)
    return changes


def report(old: Path, new: Path) -> None:
    """Print how many origins and rows changed, by rule set, purpose and kind of change."""
    weights = {row["origin"]: int(row["rows"] or 0) for row in _rows(new / "view-reservations.csv")}
    counts: dict[tuple[str, ...], list[str]] = {}
    for c in flips(old, new):
        kind = c["rules"], c["purpose"], c["old_state"], c["new_state"]
        counts.setdefault(kind, []).append(c["origin"])
    for (rules, purpose, was, became), origins in sorted(counts.items()):
        rows = sum(weights.get(origin, 0) for origin in origins)
        print(f"{rules}: {purpose}: {was} -> {became}: {len(origins)} origins, {rows} rows")
    before, after = _findings(old), _findings(new)
    for mark in MARKS:
        for rules in RULES:
            marked = [
                {k for k, f in findings.items() if k[2] == rules and f.get(mark, "") not in NONE}
                for findings in (before, after)
            ]
            origins_of = [len({origin for origin, _, _ in keys}) for keys in marked]
            print(f"{rules}: {mark}: {origins_of[0]} -> {origins_of[1]} origins")
    bounds = [_bounds(folder) for folder in (old, new)]
    for purpose in PURPOSES:
        print(
            f"{purpose}: rows, narrowest, shown, widest: {bounds[0][purpose]} -> "
            f"{bounds[1][purpose]}"
        )
    for rules in RULES:
        flags = [_flags(folder / f"flags-{rules}.csv") for folder in (old, new)]
        for (was, became), rows in sorted(Counter(zip(*flags, strict=True)).items()):
            if was != became:
                print(f"flags, {rules}: {was} -> {became}: {rows} rows")


def _findings(folder: Path) -> dict[tuple[str, str, str], dict[str, str]]:
    """Return the findings by origin, purpose and id of the rule set."""
    rows = _rows(folder / "view-findings.csv")
    return {(r["origin"], r["purpose"], r["rules"].split("/")[0]): r for r in rows}


def _bounds(folder: Path) -> dict[str, tuple[str, str, str]]:
    rows = [r for r in _rows(folder / "view-dataset_bounds.csv") if r["unit"] == "rows"]
    return {r["purpose"]: (r["reserved_min"], r["reserved_shown"], r["reserved_max"]) for r in rows}


def _flags(path: Path) -> list[str]:
    return [f"{row['tdm_state']} ({row['tdm_reserved'] or 'null'})" for row in _rows(path)]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_flips(changes: list[dict[str, str]], out: Path) -> None:
    """Write the findings that changed as CSV, to be read one by one."""
    names = ["origin", "purpose", "rules", *(f"{age}_{c}" for age in ("old", "new") for c in SHOWN)]
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(changes)


def main() -> int:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record")
    recording.add_argument("--db", type=Path, required=True)
    recording.add_argument("--dataset", type=Path, required=True)
    recording.add_argument("-o", "--output", type=Path, required=True)
    comparing = commands.add_parser("compare")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    comparing.add_argument("--counts-only", action="store_true", help="only states that changed")
    comparing.add_argument("--flips", type=Path, help="CSV file for each finding that changed")
    given = parser.parse_args()
    if given.command == "record":
        record(given.db.resolve(), given.dataset.resolve(), given.output.resolve())
        return 0
    report(given.old, given.new)
    if given.flips:
        write_flips(flips(given.old, given.new), given.flips)
    return 0 if given.counts_only else compare(given.old, given.new)


if __name__ == "__main__":
    sys.exit(main())
