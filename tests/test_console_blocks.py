"""README, tutorials and how-to pages say what the commands do: their blocks run on the demo."""

import shutil

import pyarrow.parquet as pq
import pytest

from crawler.demo import SITES, LoopbackWeb
from crawler.demo.answers import html, json_text, text
from crawler.demo.site import SILENT, Site
from tests.conftest import ROOT
from tests.console_blocks import Step, failure, steps

DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    DOCS / "how-to" / "site-owner" / "check-your-site.md",
    *sorted((DOCS / "tutorial").glob("*.md")),
]
#: The site that pages name where a reader would name an own one.
EXAMPLE = Site(
    host="example.org",
    about="",
    expect=SILENT,
    pages={
        "/": html(),
        "/news/1.html": html(headers=(("X-Robots-Tag", "noai"),)),
        "/robots.txt": text("User-agent: GPTBot\nDisalow: /\n\nUser-agent: CCBot\nDisallow: /\n"),
        "/.well-known/tdmrep.json": json_text('[{"location": "/", "tdm-reservation": "1"}]'),
    },
)
#: Hosts of the dataset that pages call `my-dataset.parquet`; each answers at once.
FEW = ("unanimous", "ai-txt", "policy", "noai-header", "stacked", "permitted", "all-404")


@pytest.fixture(scope="module")
def web():
    with LoopbackWeb([*SITES, EXAMPLE]) as web:
        yield web


@pytest.fixture
def folder(demo_output, tmp_path):
    """Return a folder with the output of the demo, and a small dataset of the same web."""
    shutil.copytree(demo_output, tmp_path / "output" / "demo")
    rows = pq.read_table(demo_output / "dataset.parquet")
    hosts = tuple(f"http://{name}.demo.test/" for name in FEW)
    few = [str(url).startswith(hosts) for url in rows["url"].to_pylist()]
    pq.write_table(rows.filter(few), tmp_path / "my-dataset.parquet")
    return tmp_path


def is_set_up(step):
    """Return whether a command installs the program; CI runs it."""
    return "python3 -m venv" in step.command


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_commands_of_a_page_do_what_it_says(page, folder, web, tdm_audit):
    more = ("--delay", "0", "--timeout", "3s", "--allow-network", "127.0.0.1/32")
    more += ("--connect-to", f"::127.0.0.1:{web.port}")
    found = [step for step in steps(page.read_text("utf-8")) if not is_set_up(step)]
    wrong = [f for step in found if (f := failure(step, folder, tdm_audit, more))]
    assert not wrong, "\n\n".join(wrong)


PAGE = """
```console
$ tdm-audit export \\
    runs -o -
run,...
$ sqlite-utils query x.db 'SELECT 1'
$ tdm-audit verify
$ echo $?
5
```

```console
tdm-audit datasets

tdm-audit judge
```
"""


def test_what_a_block_holds():
    assert list(steps(PAGE)) == [
        Step(line=3, command="tdm-audit export     runs -o -", output="run,..."),
        Step(line=6, command="sqlite-utils query x.db 'SELECT 1'", output=None),
        Step(line=7, command="tdm-audit verify", output=None, status=5),
        Step(line=13, command="tdm-audit datasets", output=None),
        Step(line=15, command="tdm-audit judge", output=None),
    ]


WRONG = {
    "an output that differs": (
        Step(line=1, command="tdm-audit --version", output="2"),
        "should print",
    ),
    "an output that is cut": (Step(line=1, command="tdm-audit --version", output="tdm"), "prints"),
    "another status": (Step(line=1, command="tdm-audit nosuch", output=None), "exits with 2"),
    "another program": (Step(line=1, command="curl x", output=None), "no command that pages"),
}


@pytest.mark.parametrize(("step", "said"), WRONG.values(), ids=WRONG)
def test_what_is_not_as_a_page_says_is_found(step, said, tdm_audit, tmp_path):
    assert said in failure(step, tmp_path, tdm_audit, ())
