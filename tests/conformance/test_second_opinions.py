"""Two other readers of robots.txt are asked what we are asked; where they differ, there is a cause.

A cause is shown, not presumed: it rewrites the question so that the cause is gone, and both
readers must then agree. Causes, our own vectors that they concern, and how often each occurs in
real files are listed in disagreements.toml; anything unexplained fails.
"""

import importlib.util
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest
import robots as robotspy
from protego import Protego

from crawler.model import Document
from crawler.protocols.robots import line_reader, robots_txt
from tests.protocols.protocol_tables import allows

HERE = Path(__file__).parent
DATA = tomllib.loads((HERE / "disagreements.toml").read_text(encoding="utf-8"))
AGENTS = ("GPTBot", "CCBot", "Google-Extended", "ClaudeBot", "Googlebot", "UnknownBot")
PATHS = ("/", "/a", "/private/x.html?q=1")
#: robotspy takes time with the square of a file's size.
LARGEST = 40_000
SAMPLE = 300


class Asked(NamedTuple):
    """A question to a reader: a file, an agent and a path."""

    text: str
    agent: str
    path: str


def ours(asked: Asked) -> bool:
    reading = robots_txt.parse(Document(body=asked.text.encode("utf-8", "surrogatepass")))
    return allows(reading, asked.agent, asked.path)


class Robotspy(robotspy.RobotsParser):
    """robotspy, given the agents of a group one by one.

    Given together, an agent of an earlier group shares its rules with the others, in the order
    of a set of strings, so that answers change from process to process.
    """

    def update_rules(self, agents: list[str], rules: list[robotspy.parser.Rule]) -> None:
        for agent in dict.fromkeys(agents):
            super().update_rules([agent], list(rules))


def by_protego(text: str) -> Callable[[str, str], bool]:
    reader = Protego.parse(text)
    return lambda agent, path: reader.can_fetch(f"http://h.example{path}", agent)


def by_robotspy(text: str) -> Callable[[str, str], bool]:
    return Robotspy.from_string(text).can_fetch


READERS = {"protego": by_protego, "robotspy": by_robotspy}


def rewritten(asked: Asked, change: Callable[[line_reader.Line], str | None]) -> Asked:
    """Return the question with each line changed; None removes a line."""
    lines = (change(line) for line in line_reader.read_lines(asked.text))
    return asked._replace(text="\n".join(line for line in lines if line is not None))


def no_bom(asked: Asked) -> Asked:
    """Remove byte order marks, also those that were encoded twice."""
    return asked._replace(text=re.sub("\\A(?:\ufeff|\xef\xbb\xbf)+", "", asked.text))


def plain_line_ends(asked: Asked) -> Asked:
    text = re.sub(r"\r\n?", "\n", asked.text)
    return asked._replace(text=re.sub("[\v\f\x1c-\x1e\x85\u2028\u2029]", "_", text))


def no_other_lines(asked: Asked) -> Asked:
    return rewritten(
        asked, lambda line: None if line.kind in ("other", "unreadable") else line.text
    )


def no_prefixes(asked: Asked) -> Asked:
    """Without agent lines that name the beginning of the agent's token, or of a word in it."""

    def change(line: line_reader.Line) -> str:
        token, agent = line.value.lower(), asked.agent.lower()
        part = token != agent and re.search(rf"(?<![\w-]){re.escape(token)}", agent)
        return "User-agent: nobody" if line.kind == "agent" and token and part else line.text

    return rewritten(asked, change)


def no_odd_tokens(asked: Asked) -> Asked:
    """Without agent lines whose token is no identifier; neither the agent's own token."""
    agent = "UnknownBot" if re.search(r"[^A-Za-z_-]", asked.agent) else asked.agent

    def change(line: line_reader.Line) -> str:
        deviates = line.deviation == "robots.token_shape"
        return "User-agent: nobody" if deviates else line.text

    return rewritten(asked._replace(agent=agent), change)


def no_typos(asked: Asked) -> Asked:
    """With the keys spelt as the grammar has them."""
    keys = {"agent": "User-agent", "allow": "Allow", "disallow": "Disallow"}
    return rewritten(
        asked,
        lambda line: (
            f"{keys[line.kind]}: {line.value}" if line.deviation == "robots.typo" else line.text
        ),
    )


def no_percent(asked: Asked) -> Asked:
    return Asked(asked.text.replace("%", "_"), asked.agent, asked.path.replace("%", "_"))


def not_robots_txt(asked: Asked) -> Asked:
    return Asked(
        asked.text.replace("/robots.txt", "/other.txt"),
        asked.agent,
        asked.path.replace("/robots.txt", "/other.txt"),
    )


CAUSES = {
    "byte order mark": no_bom,
    "line ends": plain_line_ends,
    "other lines split a group": no_other_lines,
    "a token that begins another": no_prefixes,
    "a token that is no identifier": no_odd_tokens,
    "misspelt keys": no_typos,
    "percent-encoding": no_percent,
    "robots.txt itself": not_robots_txt,
}


def cause(name: str, asked: Asked) -> str:
    """The first listed cause without which both agree; all of them together as a last resort."""
    for reason in (g["cause"] for g in DATA["second_opinion"] if g["with"] == name):
        if reason in CAUSES and agree(name, CAUSES[reason](asked), asked):
            return reason
    every = asked
    for change in CAUSES.values():
        every = change(every)
    return "several of these at once" if agree(name, every, asked) else f"unexplained: {asked!r}"


def agree(name: str, changed: Asked, asked: Asked) -> bool:
    if changed == asked:
        return False
    return READERS[name](changed.text)(changed.agent, changed.path) is ours(changed)


def needs(name: str) -> dict:
    """Return what is pinned for a reader, if the pinned version of it is installed."""
    pinned = DATA["opinions"][name]
    installed = version(pinned["package"])
    if installed != pinned["version"]:
        pytest.skip(f"listed for {pinned['package']} {pinned['version']}, installed is {installed}")
    return pinned


def vectors() -> dict[str, Asked]:
    """The tables of the tests of robots_txt, by id."""
    place = HERE.parent / "protocols" / "test_robots_txt.py"
    spec = importlib.util.spec_from_file_location("robots_txt_vectors", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        name: Asked(text if isinstance(text, str) else text.decode("utf-8", "replace"), agent, path)
        for name, text, agent, path, _ in (*module.VECTORS, *module.MATRIX)
    }


@pytest.mark.parametrize("name", READERS)
def test_vectors(name):
    needs(name)
    differing = {
        vector: cause(name, asked)
        for vector, asked in vectors().items()
        if READERS[name](asked.text)(asked.agent, asked.path) is not ours(asked)
    }
    groups = [g for g in DATA["second_opinion"] if g["with"] == name]
    assert differing == {vector: g["cause"] for g in groups for vector in g.get("vectors", ())}


def sample(corpus: Path) -> list[Path]:
    """Some 300 files, spread evenly over all of bearable size."""
    fit = [f for f in sorted((corpus / "robots").rglob("*.txt")) if f.stat().st_size <= LARGEST]
    return [fit[n * len(fit) // SAMPLE] for n in range(SAMPLE)]


def own_paths(text: str) -> list[str]:
    """Up to five paths that the rules of a file suggest, spread over the file."""
    lines = line_reader.read_lines(text)
    rules = [n.value for n in lines if n.kind in ("allow", "disallow") and n.value.startswith("/")]
    some = list(dict.fromkeys(rules))
    return [path.replace("*", "x").rstrip("$") for path in some[:: max(1, len(some) // 5)][:5]]


def questions(corpus: Path) -> Iterator[tuple[str, list[Asked]]]:
    """Yield each file as text with its questions. Octets that are not UTF-8 are replaced."""
    for file in sample(corpus):
        text = file.read_bytes().decode("utf-8", "replace")
        paths = dict.fromkeys((*PATHS, *own_paths(text)))
        yield text, [Asked(text, agent, path) for path in paths for agent in AGENTS]


@pytest.mark.corpus
@pytest.mark.parametrize("name", READERS)
def test_real_files(corpus, name):
    pinned = needs(name)
    causes, total = Counter(), 0
    for text, asked in questions(corpus):
        theirs = READERS[name](text)
        reading = robots_txt.parse(Document(body=text.encode()))
        for one in asked:
            total += 1
            if theirs(one.agent, one.path) is not allows(reading, one.agent, one.path):
                causes[cause(name, one)] += 1
    groups = [g for g in DATA["second_opinion"] if g["with"] == name]
    assert causes == {g["cause"]: g["real"] for g in groups if "real" in g}
    assert (total, total - causes.total()) == (pinned["asked"], pinned["agreed"])


@pytest.mark.parametrize(
    "group",
    DATA["second_opinion"],
    ids=[f"{g['with']}: {g['cause']}" for g in DATA["second_opinion"]],
)
def test_every_cause_is_explained_and_occurs(group):
    assert group["cause"] in CAUSES or group["cause"] == "several of these at once"
    assert len(group["because"]) > 40
    assert group.get("vectors") or group.get("real")
