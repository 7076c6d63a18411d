"""A site of the demonstration web: its pages, and the answers an audit of it must give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from crawler.demo.answers import NOT_FOUND, Answer, Plain, html, text
from crawler.vocab import Purpose, State

States = Mapping[Purpose, State]
_MINING = (Purpose.TDM, Purpose.AI_TRAIN, Purpose.GENAI_TRAIN)
_TRAINING = (Purpose.AI_TRAIN, Purpose.GENAI_TRAIN)


def _no_urls() -> Mapping[str, States]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One host of the web, and what rule it shows.

    `expect` is the finding for the origin under rule set `signals`, for each purpose; `urls`
    are findings for single URLs of it, by path. `conflict` are the purposes on which two
    protocols disagree. `complete` says whether an audit sees everything it plans to see;
    None where the file is longer than an audit reads. `written` is how dataset rows spell
    scheme and host, where that is not the origin itself.
    """

    host: str
    about: str
    expect: States
    pages: Mapping[str, Answer]
    otherwise: Answer = NOT_FOUND
    conflict: frozenset[Purpose] = frozenset()
    complete: bool | None = True
    urls: Mapping[str, States] = field(default_factory=_no_urls)
    port: int = 80
    written: str = ""

    @property
    def origin(self) -> str:
        """Where the site answers, as text without a slash: by http, all of them."""
        return f"http://{self.host}" + ("" if self.port == 80 else f":{self.port}")

    def answer(self, target: str) -> Answer:
        """The answer to a request for a path, which may carry a query."""
        exact = self.pages.get(target)
        return exact or self.pages.get(target.partition("?")[0], self.otherwise)


def everywhere(state: State) -> States:
    """One state for every purpose."""
    return MappingProxyType(dict.fromkeys(Purpose, state))


def mining(state: State, rest: State = State.SILENT) -> States:
    """One state for `tdm` and what it entails, another for the rest."""
    return MappingProxyType({**dict.fromkeys(Purpose, rest), **dict.fromkeys(_MINING, state)})


def training(state: State, rest: State = State.SILENT) -> States:
    """One state for `ai_train` and what it entails, another for the rest."""
    return MappingProxyType({**dict.fromkeys(Purpose, rest), **dict.fromkeys(_TRAINING, state)})


def only(purpose: Purpose, state: State, rest: State = State.SILENT) -> States:
    """One state for one purpose, another for the rest."""
    return MappingProxyType({**dict.fromkeys(Purpose, rest), purpose: state})


SILENT = everywhere(State.SILENT)
UNKNOWN = everywhere(State.UNKNOWN)
REFUSED = everywhere(State.REFUSED)
RESERVED = mining(State.RESERVED)
AGENTS = only(Purpose.GENAI_TRAIN, State.PARTIAL)
"""Named training agents are refused: that reserves training of generative models in part."""

PAGE = html()
JPEG = text(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\xff\xd9", "image/jpeg")
PDF = text(b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF\n", "application/pdf")

ARTICLES = tuple(f"/articles/{n}.html" for n in range(1, 8))
IMAGES = (*(f"/images/{n}.jpg" for n in range(1, 6)), "/images/Large-1.JPG")
FILES = ("/files/report.pdf", "/files/annual%20report.pdf")


def site(
    host: str,
    about: str,
    expect: States,
    *,
    robots: Answer = NOT_FOUND,
    ai_txt: Answer = NOT_FOUND,
    tdmrep: Answer = NOT_FOUND,
    home: Answer = PAGE,
    articles: Answer = PAGE,
    images: Answer = JPEG,
    files: Answer = PDF,
    more: Mapping[str, Answer] = MappingProxyType({}),
    conflict: frozenset[Purpose] = frozenset(),
    complete: bool | None = True,
    urls: Mapping[str, States] = MappingProxyType({}),
    port: int = 80,
    written: str = "",
) -> Site:
    """An ordinary site with ordinary content, except where it is told otherwise."""
    pages = {
        "/robots.txt": robots,
        "/ai.txt": ai_txt,
        "/.well-known/tdmrep.json": tdmrep,
        "/": home,
        "/search": articles,
        **dict.fromkeys(ARTICLES, articles),
        **dict.fromkeys(IMAGES, images),
        **dict.fromkeys(FILES, files),
        **more,
    }
    return Site(
        host=host,
        about=about,
        expect=expect,
        pages=MappingProxyType(pages),
        conflict=conflict,
        complete=complete,
        urls=urls,
        port=port,
        written=written,
    )


def lines(*rules: str) -> Plain:
    """A text file of these lines, as most servers would send it."""
    return text("".join(f"{rule}\n" for rule in rules))
