"""Print the size and shape of the code of a tree: modules, functions, comments, names, caches.

    python -m benchmarks.code_measures [TREE] [--json FILE]

TREE is a checkout of this project, by default the one that this file is in. Only the package
`crawler` is measured: tests and benchmarks are not. The code is parsed, never imported, so any
commit can be measured with the Python of another.
"""

import argparse
import ast
import io
import json
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
#: Functions and classes that remember values, with those of earlier versions of this project.
CACHES = {"lru_cache", "cache", "cached_property", "BoundedCache", "IdentityCache"}
EARLIER_CACHES = {"Recent", "Same"}
#: Where those classes are defined, which uses one in the definition of another.
DEFINITIONS = {"caches.py", "recent.py"}


class Function(NamedTuple):
    """A function or method: where it is, and its lines from `def` to the last statement."""

    place: str
    lines: int


class Module(NamedTuple):
    """A parsed module; `comments` are lines with a comment, `filled` lines that are not blank."""

    path: str
    tree: ast.Module
    lines: int
    filled: int
    comments: int


def read(tree: Path) -> list[Module]:
    """Parse every module of the package in a checkout, sorted by path."""
    package = tree / "crawler"
    return [_module(path, package) for path in sorted(package.rglob("*.py"))]


def _module(path: Path, package: Path) -> Module:
    text = path.read_text("utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = {t.start[0] for t in tokens if t.type == tokenize.COMMENT}
    lines = text.splitlines()
    return Module(
        path=str(path.relative_to(package)),
        tree=ast.parse(text),
        lines=len(lines),
        filled=sum(bool(line.strip()) for line in lines),
        comments=len(comments),
    )


def functions(modules: list[Module]) -> list[Function]:
    """Return all functions and methods, also those inside others, the shortest first."""
    found = [
        Function(f"{module.path}:{node.lineno} {node.name}", _length(node))
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(found, key=lambda function: function.lines)


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def repeated_classes(modules: list[Module]) -> dict[str, list[str]]:
    """Return the names that more than one class has, with the modules of those classes."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(module.path)
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def caches(modules: list[Module]) -> Counter[str]:
    """Count the caches that are made: decorators and calls, by name."""
    found: Counter[str] = Counter()
    for module in modules:
        if module.path not in DEFINITIONS:
            found.update(_caches_made(module.tree))
    return found


def _caches_made(tree: ast.Module) -> Iterator[str]:
    # A decorator with arguments is a call as well: only the call counts.
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _cache_name(node.func)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                yield from _cache_name(decorator)


def _cache_name(node: ast.expr) -> Iterator[str]:
    name = getattr(node, "attr", None) or getattr(node, "id", None)
    if name in CACHES | EARLIER_CACHES:
        yield name


def measure(tree: Path) -> dict[str, object]:
    """Return the measures of a checkout by what they are called in the table."""
    modules = read(tree)
    lengths = [function.lines for function in functions(modules)]
    longest_module = max(modules, key=lambda module: module.lines)
    longest = functions(modules)[-1]
    comments, filled = (sum(getattr(m, f) for m in modules) for f in ("comments", "filled"))
    repeated, made = repeated_classes(modules), caches(modules)
    return {
        "modules": len(modules),
        "lines": sum(module.lines for module in modules),
        "module, median lines": median(module.lines for module in modules),
        "longest module": f"{longest_module.lines} ({longest_module.path})",
        "functions": len(lengths),
        "function, median lines": median(lengths),
        "function, 90th percentile": round(quantiles(lengths, n=10)[-1]),
        "longest function": f"{longest.lines} ({longest.place})",
        "comments, share of lines that are not blank": f"{comments / filled:.1%}",
        "class names used more than once": len(repeated),
        "those names": "; ".join(f"{name} x{len(places)}" for name, places in repeated.items())
        or "none",
        "caches": made.total(),
        "caches by kind": ", ".join(f"{name} {n}" for name, n in sorted(made.items())) or "none",
    }


def main() -> int:
    """Print the table, and write it as data where that is asked for."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("tree", type=Path, nargs="?", default=ROOT, help="a checkout")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    given = options.parse_args()
    if not (given.tree / "crawler").is_dir():
        print(f"there is no package crawler in {given.tree}", file=sys.stderr)
        return 2
    measures = measure(given.tree)
    print("| measure | value |\n|---|---|")
    for name, value in measures.items():
        print(f"| {name} | {value} |")
    if given.json:
        given.json.write_text(json.dumps(measures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
