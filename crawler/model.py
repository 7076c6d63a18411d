"""The records that flow: frozen, slotted, keyword-only, and without opinions."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from crawler.vocab import DeclaredBy, Outcome, Presence, Purpose, Reads, Resource, Stance


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A place that is asked: scheme, host and port (RFC 6454, 4). Made by `names` only.

    `host` is lower case, A-labels, no trailing dot; IPv6 literals stand in brackets.
    `port` is always a number. `site` is the registrable domain, or the host itself for
    addresses and names without one. `assumed` says that the scheme was not written.
    """

    scheme: str
    host: str
    port: int
    site: str
    assumed: bool = False

    @property
    def url(self) -> str:
        """The origin as text, `https://host` or `http://host:8080`, without a slash."""
        default = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One URL to ask for: `hop` counts the redirects that led from `asked` to `url`."""

    resource: Resource
    asked: str
    url: str
    hop: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RevalidatedResponse:
    """The stored answer that a 304 says still holds (RFC 9110, 15.4.5): its key among the
    observations, and its header fields.
    """

    observation: int
    headers: tuple[tuple[str, str], ...] = ()


# RFC 9111, 3.2: what describes the stored body, or a connection, is not updated by a 304.
_OF_THE_BODY = frozenset(
    (
        "connection content-encoding content-length content-range content-type keep-alive "
        "transfer-encoding"
    ).split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one attempt brought.

    `headers` keep order, case and repetition. `body` is what was received, decompressed and
    up to the cap; `size` counts its octets; `truncated` says that more would have come.
    `extract` is the head extract of a page (see `page`), empty for everything else.
    `started_at` is UTC with milliseconds, `2026-11-22T02:20:00.123Z`; `elapsed_ms` is
    milliseconds; `address` is the address connected to; `note` says why, in a few words.
    `tls_version`, `tls_certificate` (SHA-256) and `tls_verified` (`ok`, or why not) are empty
    for plain HTTP. `confirms` is set for a 304 to a question of ours: body and extract are
    those of the answer confirmed, while `headers` and `size` are of the 304 itself.
    """

    target: Target
    outcome: Outcome
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    size: int = 0
    truncated: bool = False
    started_at: str = ""
    elapsed_ms: int = 0
    address: str = ""
    note: str = ""
    extract: bytes = b""
    tls_version: str = ""
    tls_certificate: str = ""
    tls_verified: str = ""
    confirms: RevalidatedResponse | None = None

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields as they read: those of a confirmed answer, with the fields that the
        304 sent in place of the old ones of the same name (RFC 9111, 3.2 and 4.3.4).
        """
        return fields_of(self.headers, self.confirms.headers if self.confirms else None)

    def header(self, name: str) -> str:
        """The first value of a header, compared without case; empty when it is not there."""
        return value_of(self.fields, name.lower())


def value_of(fields: tuple[tuple[str, str], ...], name: str) -> str:
    """The first value of a header, its name in lower case; empty when it is not there."""
    return next((value for n, value in fields if n.lower() == name), "")


def fields_of(
    headers: tuple[tuple[str, str], ...], confirmed: tuple[tuple[str, str], ...] | None
) -> tuple[tuple[str, str], ...]:
    """The fields of an answer, put in place of those that it confirms if it is a 304."""
    if confirmed is None:
        return headers
    new = tuple((n, v) for n, v in headers if n.strip().lower() not in _OF_THE_BODY)
    names = {name.strip().lower() for name, _ in new}
    old = ((n, v) for n, v in confirmed if n.strip().lower() not in names)
    return (*old, *new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Bytes as a protocol reads them, with what the server said about them.

    For a file it is the body; for a header protocol the header lines it knows, one
    `name: value` per CRLF line; for a page protocol the head extract made by `page`.
    `media_type` is lower case without parameters, empty when the server named none.
    """

    body: bytes
    media_type: str = ""
    charset: str = ""
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Something that could not be read as it stands, or that readers read differently."""

    code: str
    line: int | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One parsed signal, with the place it stands in.

    `n` counts from 1 within a reading (0: made for one answer, not stored). `line` is
    1-based in the document. `agent` is `*` or a product token as written. `path` is a
    pattern (`*`, `$`), `media` a file extension without the dot. `purpose` is None only
    for stance `refused`, which concerns access. `counts` is False for a reading that is
    kept and shown but does not decide. `tier` follows the ranking of explicitness, 1 to 4.
    """

    rule: str
    stance: Stance
    purpose: Purpose | None
    tier: int
    place: str
    raw: str
    clause: str
    declared_by: DeclaredBy
    line: int | None = None
    agent: str = "*"
    path: str | None = None
    media: str | None = None
    policy: str | None = None
    reads: Reads = Reads.BOTH
    counts: bool = True
    n: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A passage of natural language that may reserve; never a statement, since courts
    disagree about what it is worth (docs/protocols/page_text.md).

    `strength` is `candidate`, or `mention` for a passage that only speaks of the matter.
    `kind` is `reservation`, `anti_scraping` or `template` (a text that a service supplies).
    `location` is `robots_comment`, `page` or `legal_page`; `language` is ISO 639-1; `pattern`
    names the entry of the pattern list; `snippet` is the passage as it stands, shortened.
    """

    strength: str
    kind: str
    location: str
    language: str
    pattern: str
    snippet: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Whom a document names, in which role; naming is one side's word, never proof.

    `source` is where in it (`rsl.copyright`), `role` is `holder`, `publisher`, `offers_licence`,
    `controller`, `controlled`, `owner_domain` or `contact`; `confidence` is `high`, `medium` or
    `low`. `uid` is an identifier or domain. `private` is what is personal (names of persons,
    telephones, addresses), kept only where an operator asks for it.
    """

    source: str
    role: str
    confidence: str
    name: str = ""
    uid: str = ""
    licence_page: str = ""
    contact_page: str = ""
    mailbox: str = ""
    duties: str = ""
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one protocol found in one document. Equal documents give equal readings.

    `rules` is what the protocol itself needs to answer questions; nobody else looks in.
    `names` are the URLs that the document points to and the plan may visit (TDM policies).
    `candidates` and `parties` are no statements: they change no state that a rule set does
    not explicitly give to natural language.
    """

    presence: Presence
    statements: tuple[Statement, ...] = ()
    issues: tuple[Issue, ...] = ()
    names: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    parties: tuple[Party, ...] = ()
    rules: object = field(default=None, compare=False, repr=False)


def numbered(statements: list[Statement]) -> tuple[Statement, ...]:
    """The statements of a reading, counted from 1 in their order."""
    return tuple(replace(s, n=n) for n, s in enumerate(statements, start=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: `path` is path and query of one URL, None for the whole origin.

    `agent` is a product token, None for everybody.
    """

    path: str | None = None
    agent: str | None = None


class AppliedStatement(NamedTuple):
    """A statement that speaks to a question, and whether it covers all that was asked.

    `limited_to` names what limits it (`agents`, `paths`, `file types`, `pages`); empty if nothing.
    """

    statement: Statement
    limited_to: str = ""
