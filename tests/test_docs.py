"""Documents agree with the code. Generated parts are checked by `make docs`."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from crawler import rulesets
from crawler.cli import main
from crawler.demo import SITES
from crawler.protocols import PROTOCOLS
from tests.conftest import ROOT
from tools.check_links import anchors, dead_links
from tools.site_navigation import nav

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda p: p.NAME)
def test_every_protocol_has_a_page_and_a_table_of_vectors(protocol):
    assert (ROOT / f"docs/reference/protocols/{protocol.NAME}.md").is_file()
    assert (ROOT / f"tests/protocols/test_{protocol.NAME}.py").is_file()


def test_no_page_is_about_a_protocol_that_is_not_there():
    pages = {page.stem for page in (ROOT / "docs/reference/protocols").glob("*.md")}
    assert pages == {p.NAME for p in PROTOCOLS}


def test_every_version_above_one_is_in_the_changelog():
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    for protocol in PROTOCOLS:
        assert protocol.VERSION == 1 or f"{protocol.NAME}/{protocol.VERSION}" in changelog


def test_every_issue_code_of_robots_txt_on_its_page_exists():
    page = (ROOT / "docs/reference/protocols/robots_txt.md").read_text("utf-8")
    sources = "".join(
        p.read_text("utf-8") for p in (ROOT / "crawler/protocols/robots").glob("*.py")
    )
    for code in re.findall(r"`(robots\.[a-z_.]+)`", page):
        assert f'"{code}"' in sources


def test_the_readme_tells_how_many_hosts_the_demonstration_has():
    assert f"{len(SITES)} hosts" in README


def test_every_command_and_rule_set_has_its_place():
    commands = (ROOT / "docs/reference/commands.md").read_text("utf-8")
    for name in main.commands:
        assert f"$ tdm-audit {name} --help" in commands
    rules = (ROOT / "docs/explanation/rules.md").read_text("utf-8")
    assert all(f"`{name}`" in rules for name in rulesets.NAMES)


def test_the_readme_is_short_and_its_picture_small():
    assert len(README.splitlines()) <= 120
    assert (ROOT / "docs/images/report.png").stat().st_size <= 150_000


def test_the_readme_sets_the_demo_up_in_one_line_that_says_what_it_does():
    (command,) = re.findall(r"```console\n(.*tdm-audit demo)\n```", README)
    install = "python3 -m venv .venv && .venv/bin/pip install -q -e . && .venv/bin/tdm-audit demo"
    assert re.fullmatch(rf'echo "Installing [^"]+" && {re.escape(install)}', command)


def test_ci_runs_the_test_command_of_the_readme():
    (command,) = re.findall(r"```console\n(.*-m pytest)\n```", README)
    assert command in (ROOT / ".ci/run").read_text("utf-8")


def test_the_generated_parts_of_all_pages_are_checked_by_make():
    generated = {
        str(page.relative_to(ROOT))
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "zensical.toml"]
        if "[[[cog" in page.read_text("utf-8")
    }
    (pages,) = re.findall(r"^GENERATED = (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert generated == set(pages.split())


def test_layers_in_the_architecture_are_those_that_are_enforced():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    drawn = re.search(r"## The layers.*?```text\n(.*?)```", text, re.DOTALL)[1].split("\n")
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    assert [line for line in drawn if line] == [layer for layer in layers if layer != "__main__"]


def test_the_steps_of_flags_are_drawn_in_the_order_of_their_files():
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    steps = sorted(set(re.findall(r"\b\d\d_[a-z_]+", text)))
    assert steps == sorted(path.stem for path in (ROOT / "crawler/flags/sql").glob("*.sql"))


def test_only_store_dataset_and_flags_run_sql():
    running = {
        path.relative_to(ROOT / "crawler").parts[0]
        for path in (ROOT / "crawler").rglob("*.py")
        if re.search(r"\.(?:execute|executemany|executescript|sql)\(", path.read_text("utf-8"))
    }
    assert running == {"store", "dataset", "flags"}


@pytest.mark.parametrize(
    ("page", "section"),
    [("ARCHITECTURE.md", "Where a change goes"), ("CONTRIBUTING.md", "Add a protocol")],
)
def test_files_to_change_exist(page, section):
    text = (ROOT / page).read_text("utf-8")
    (recipe,) = re.findall(rf"^## {section}\n(.*?)^## ", text, re.DOTALL | re.MULTILINE)
    named = re.findall(r"`([a-z_./]+\.(?:py|toml|sql)|(?:[a-z_]+/)+)`", recipe)
    assert named
    assert [n for n in named if not any((ROOT / at / n).exists() for at in ("", "crawler"))] == []


def test_links_between_documents_lead_somewhere():
    assert list(dead_links(ROOT)) == []


DEAD = {
    "a file": ("README.md", "[x](docs/none.md)", "no such file"),
    "a picture": ("docs/a.md", "![x](none.png)", "no such file"),
    "an anchor": ("docs/a.md", "[x](b.md#third)", "no such heading"),
    "an anchor of the page": ("docs/a.md", "[x](#second-part)", "no such heading"),
    "out of the website": ("docs/a.md", "[x](../README.md)", "where the website ends"),
    "a folder": ("docs/a.md", "[x](../docs)", "leads out of docs/"),
    "a folder within": ("docs/a.md", "[x](in)", "a folder is no page"),
    "in a table": ("docs/a.md", "| a |\n|---|\n| [x](none.md) |", "no such file"),
}


@pytest.mark.parametrize(("page", "link", "why"), DEAD.values(), ids=DEAD)
def test_a_dead_link_is_found(page, link, why, tmp_path):
    (tmp_path / "docs/in").mkdir(parents=True)
    (tmp_path / "README.md").touch()
    (tmp_path / "docs/b.md").write_text("# `First`, and more\n\n## Second part\n")
    (tmp_path / page).write_text(f"{link}\n\n[y](https://none.example/) `[z](none.md)`\n")
    (found,) = dead_links(tmp_path)
    assert found.startswith(f"{page}: ")
    assert why in found


def test_anchors_are_those_of_github_and_of_the_website(tmp_path):
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs/b.md"
    page.write_text("# `First`, and more\n\n## Part\n\n## Part\n\n## AI & web\n")
    # The website has no `ai--web`, and GitHub no `ai-web`; the second `Part` differs as well.
    assert anchors(page) == {"first-and-more", "part"}


def test_every_page_is_in_the_navigation(tmp_path):
    for page in ("index.md", "reference/b.md", "reference/commands.md", "tutorial/a-year.md"):
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / page).touch()
    named = re.findall(r'"([^"]+\.md)"', "\n".join(nav(tmp_path)))
    assert named == ["index.md", "tutorial/a-year.md", "reference/commands.md", "reference/b.md"]
    (tmp_path / "none").mkdir()
    (tmp_path / "none/c.md").touch()
    with pytest.raises(ValueError, match="no title for docs/none"):
        list(nav(tmp_path))


def test_the_website_is_built_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("zensical", reason="zensical is the extra [docs]")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    build = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site/tutorial/first-audit.html").read_text("utf-8")
    assert "Your first audit" in page
    loaded = r"<(?:script|img|link rel=.?stylesheet)[^>]+(?:src|href)=.?https?:"
    assert re.findall(loaded, page) == []


def test_the_tests_that_the_security_policy_names_exist():
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/*]+\.py)`", text)
    assert named
    assert [name for name in named if not list(ROOT.glob(name))] == []


def test_scrapy_finds_the_spider():
    done = subprocess.run(
        [sys.executable, "-m", "scrapy", "list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["reservations"], done.stderr
