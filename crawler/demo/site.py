"""Sites of the demo web: the answers a host gives, and the findings an audit of it must give."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from crawler.demo.answers import NOT_FOUND, Answer, Plain, html, text
from crawler.vocab import Purpose, State

States = Mapping[Purpose, State]
MINING = (Purpose.TDM, Purpose.AI_TRAIN, Purpose.GENAI_TRAIN)
_TRAINING = (Purpose.AI_TRAIN, Purpose.GENAI_TRAIN)


def _no_urls() -> Mapping[str, States]:
    return MappingProxyType({})


def _no_exceptions() -> Mapping[Purpose, tuple[str, ...]]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One host of the web; `about` names the rule that it shows.

    `expect` holds the finding for the origin under rule set `signals`, for each purpose; `urls`
    holds findings for single URLs, by path. `conflict` lists the purposes on which protocols
    disagree. `exceptions` holds the agents that the finding of a purpose does not cover, and
    `malformed` the purposes for which a reservation was attempted that does not count.
    `complete` is whether an audit can see everything it plans to see; None leaves that
    open. `written` is the spelling of scheme and host in dataset rows, if it differs from the
    origin. `otherwise` answers for paths that are not in `pages`.
    """

    host: str
    about: str
    expect: States
    pages: Mapping[str, Answer]
    otherwise: Answer = NOT_FOUND
    conflict: frozenset[Purpose] = frozenset()
    exceptions: Mapping[Purpose, tuple[str, ...]] = field(default_factory=_no_exceptions)
    malformed: frozenset[Purpose] = frozenset()
    complete: bool | None = True
    urls: Mapping[str, States] = field(default_factory=_no_urls)
    port: int = 80
    written: str = ""

    @property
    def origin(self) -> str:
        """Return the origin as text, without a final slash; all sites use http."""
        return f"http://{self.host}" + ("" if self.port == 80 else f":{self.port}")

    def answer(self, target: str) -> Answer:
        """Return the answer for a path, which may have a query."""
        # An answer for a path with its query comes before the one for the path alone.
        exact = self.pages.get(target)
        return exact or self.pages.get(target.partition("?")[0], self.otherwise)


def everywhere(state: State) -> States:
    """Return one state for every purpose."""
    return MappingProxyType(dict.fromkeys(Purpose, state))


def mining(state: State, rest: State = State.SILENT) -> States:
    """Return one state for `tdm` and the purposes within it, another for the rest."""
    return MappingProxyType({**dict.fromkeys(Purpose, rest), **dict.fromkeys(MINING, state)})


def training(state: State, rest: State = State.SILENT) -> States:
    """Return one state for `ai_train` and the purpose within it, another for the rest."""
    return MappingProxyType({**dict.fromkeys(Purpose, rest), **dict.fromkeys(_TRAINING, state)})


def only(purpose: Purpose, state: State, rest: State = State.SILENT) -> States:
    """Return one state for one purpose, another for the rest."""
    return MappingProxyType({**dict.fromkeys(Purpose, rest), purpose: state})


def except_for(*agents: str, purposes: Iterable[Purpose]) -> Mapping[Purpose, tuple[str, ...]]:
    """Return the same exceptions for each of some purposes."""
    return MappingProxyType(dict.fromkeys(purposes, agents))


SILENT = everywhere(State.SILENT)
UNKNOWN = everywhere(State.UNKNOWN)
REFUSED = everywhere(State.REFUSED)
RESERVED = mining(State.RESERVED)
AGENTS = only(Purpose.GENAI_TRAIN, State.PARTIAL)
"""The finding for a site that refuses a training agent by name."""

PAGE = html()
JPEG = text(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\xff\xd9", "image/jpeg")
PDF = text(b"%PDF-1.4\ntrailer<</Root 1 0 R>>\n%%EOF\n", "application/pdf")

ARTICLES = tuple(f"/articles/{n}.html" for n in range(1, 8))
IMAGES = (*(f"/images/{n}.jpg" for n in range(1, 6)), "/images/Large-1.JPG")
FILES = ("/files/report.pdf", "/files/annual%20report.pdf")


_PATHS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "robots": ("/robots.txt",),
        "ai_txt": ("/ai.txt",),
        "tdmrep": ("/.well-known/tdmrep.json",),
        "home": ("/",),
        "articles": ("/search", *ARTICLES),
        "images": IMAGES,
        "files": FILES,
    }
)
_ORDINARY: Mapping[str, Answer] = MappingProxyType(
    {
        "robots": NOT_FOUND,
        "ai_txt": NOT_FOUND,
        "tdmrep": NOT_FOUND,
        "home": PAGE,
        "articles": PAGE,
        "images": JPEG,
        "files": PDF,
    }
)


def site(
    host: str,
    about: str,
    expect: States,
    *,
    more: Mapping[str, Answer] = MappingProxyType({}),
    conflict: frozenset[Purpose] = frozenset(),
    exceptions: Mapping[Purpose, tuple[str, ...]] = MappingProxyType({}),
    malformed: frozenset[Purpose] = frozenset(),
    complete: bool | None = True,
    urls: Mapping[str, States] = MappingProxyType({}),
    **content: Answer,
) -> Site:
    """Return a site with ordinary content, except for what is given.

    `content` holds answers by kind of resource: `robots`, `ai_txt`, `tdmrep`, `home`, `articles`,
    `images`, `files`. `more` holds answers by path. Raises KeyError for another kind.
    """
    answers = {**_ORDINARY, **content}
    pages = {path: answer for kind, answer in answers.items() for path in _PATHS[kind]}
    return Site(
        host=host,
        about=about,
        expect=expect,
        pages=MappingProxyType({**pages, **more}),
        conflict=conflict,
        exceptions=exceptions,
        malformed=malformed,
        complete=complete,
        urls=urls,
    )


def one_page_site(
    name: str,
    about: str,
    expect: States,
    page: Answer,
    own: States,
    malformed: Iterable[Purpose] = (),
) -> Site:
    """Return a site all of whose pages are equal; `own` is the finding for its home page."""
    return site(
        f"{name}.demo.test",
        about,
        expect,
        home=page,
        articles=page,
        urls={"/": own},
        malformed=frozenset(malformed),
    )


def lines(*rules: str) -> Plain:
    """Return a text file of these lines, as most servers would send it."""
    return text("".join(f"{rule}\n" for rule in rules))
