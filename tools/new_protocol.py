"""Write the files of a new protocol and print the steps that remain.

    python tools/new_protocol.py opt_txt files --url /opt.txt

It writes the module, its table of vectors and its page from `tools/protocol_templates`. The
module is valid at once; its test fails with an instruction until the other steps are done.
Existing files are never overwritten.
"""

import argparse
import re
import sys
from pathlib import Path
from string import Template

ROOT = Path(__file__).parent.parent
TEMPLATES = Path(__file__).parent / "protocol_templates"

_PLAN_IMPORTS = "from tests.sample_origins import planned\n"
_PLAN_TEST = """

def test_its_file_is_requested():
    urls = {observation.target.url for observation in planned({})}
    assert "https://h.example$url" in urls, "add it to PLANNED in crawler/plan/resources.py"
"""


def files_of(name: str, family: str, url: str | None, root: Path = ROOT) -> dict[Path, str]:
    """Return the text of each file of a new protocol.

    `url` is the path at which every origin may have its file, None if the protocol is read from
    a resource that is requested already.
    """
    resource = f"add Resource.{name.upper()} to crawler/vocab.py, then: frozenset({{...}})"
    values = {
        "name": name,
        "family": family,
        "url": url or "",
        "resources": resource if url else "say which resources carry it, see crawler/vocab.py",
        "plan_imports": _PLAN_IMPORTS if url else "",
    }
    values["plan_test"] = Template(_PLAN_TEST).substitute(values) if url else ""
    paths = {
        "module": root / "crawler" / "protocols" / family / f"{name}.py",
        "test": root / "tests" / "protocols" / f"test_{name}.py",
        "page": root / "docs" / "reference" / "protocols" / f"{name}.md",
    }
    return {
        path: Template((TEMPLATES / f"{kind}.txt").read_text("utf-8")).substitute(values).rstrip()
        + "\n"
        for kind, path in paths.items()
    }


def remaining_steps(name: str, family: str, url: str | None) -> list[str]:
    """Return what is left to do by hand, a step an item."""
    own_url = [
        f'crawler/vocab.py: {name.upper()} = "{name}" in Resource '
        "(and in CONTEXT if it says nothing about mining)",
        f"crawler/plan/resources.py: PlannedResource(Resource.{name.upper()}, "
        f'_path("{url}")), in PLANNED',
    ]
    return [
        *(own_url if url else []),
        f"crawler/protocols/{family}/{name}.py: RESOURCES, the reader, and every TODO",
        f"crawler/protocols/__init__.py: import {name} and add it to PROTOCOLS",
        "crawler/reports/advice.toml: a line for each issue code",
        f"tests/protocols/test_{name}.py: a row for each vector of the specification",
        f"docs/reference/protocols/{name}.md: every TODO",
        "CHANGELOG.md: a line under Added, and one under Changed answers if verdicts flip",
        "make fix check",
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the files; return 2 if the name is no identifier or a file exists already."""
    parser = argparse.ArgumentParser(description="Write the files of a new protocol.")
    parser.add_argument("name", help="name of the protocol, such as opt_txt")
    parser.add_argument("family", help="folder in crawler/protocols, such as files")
    parser.add_argument("--url", help="path of its file on every origin, such as /opt.txt")
    given = parser.parse_args(arguments)
    for word in (given.name, given.family):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", word):
            print(f"{word!r} is no lower-case name of a module", file=sys.stderr)
            return 2
    files = files_of(given.name, given.family, given.url)
    if existing := [path for path in files if path.exists()]:
        print(f"{existing[0]} exists already; nothing was written", file=sys.stderr)
        return 2
    package = ROOT / "crawler" / "protocols" / given.family
    if not package.is_dir():
        package.mkdir()
        (package / "__init__.py").touch()
    for path, text in files.items():
        path.write_text(text, "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    print("\nWhat remains:")
    for number, step in enumerate(remaining_steps(given.name, given.family, given.url), start=1):
        print(f"{number}. {step}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
