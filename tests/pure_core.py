"""Check the branch coverage of the pure core: `python tests/pure_core.py COVERAGE.json`."""

import json
import sys
from pathlib import Path

CORE = (
    "crawler/protocols/",
    "crawler/plan/",
    "crawler/evaluate/",
    "crawler/urls/",
    "crawler/page/",
    "crawler/media/",
    "crawler/organisations.py",
    "crawler/legal_forms.py",
)


def main(path: str) -> int:
    """Print every line and branch of the core that no test takes; return 1 if there is one."""
    files = json.loads(Path(path).read_text("utf-8"))["files"]
    core = {name: facts for name, facts in files.items() if name.startswith(CORE)}
    if len(core) < len(CORE):
        print("the coverage report does not hold the pure core", file=sys.stderr)
        return 1
    missed = 0
    for name, facts in sorted(core.items()):
        lines, branches = facts["missing_lines"], facts.get("missing_branches", [])
        missed += len(lines) + len(branches)
        if lines or branches:
            print(f"{name}: lines {lines}, branches {branches}", file=sys.stderr)
    if not missed:
        print(f"pure core: {len(core)} modules, every branch taken")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
