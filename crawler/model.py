"""The records that pass between the steps: immutable data without behaviour.

Rules for editors: records are frozen, so that one reading can serve every host that sends the
same document. They hold what was observed and parsed, never a judgement.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from crawler.vocab import DeclaredBy, Offer, Outcome, Presence, Purpose, Reads, Resource, Stance


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """An origin: scheme, host and port (RFC 6454, 4). Only `urls.canonical` makes them.

    `host` is lower case, in A-labels, without a trailing dot; IPv6 literals have brackets.
    `site` is the registrable domain, or the host for addresses and names without one. `assumed`
    says that the text had no scheme.
    """

    scheme: str
    host: str
    port: int
    site: str
    assumed: bool = False

    @property
    def url(self) -> str:
        """The origin as text, `https://host` or `http://host:8080`, without a trailing slash."""
        default = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A URL to request.

    `asked` is the URL that the plan wants, `url` the one to request now, and `hop` the number of
    redirects that led from the first to the second. `in_spite_of` is the text for the note of the
    observation where a rule of robots.txt matches the URL and does not withhold it.
    """

    resource: Resource
    asked: str
    url: str
    hop: int = 0
    in_spite_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevalidatedResponse:
    """The stored response that a 304 revalidates (RFC 9110, 15.4.5): its key and header fields."""

    observation: int
    headers: tuple[tuple[str, str], ...] = ()


# RFC 9111, 3.2: a 304 does not update fields that describe the stored body or a connection.
_NOT_UPDATED = frozenset(
    (
        "connection content-encoding content-length content-range content-type keep-alive "
        "transfer-encoding"
    ).split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The result of one attempt to fetch a URL.

    `headers` keep order, case and repetition. `body` holds the decompressed octets up to the
    cap, `size` is their number, and `truncated` says that there were more. `extract` is the
    extract of a page or media file (see `page`, `media`), empty for everything else.
    `started_at` is UTC with milliseconds, `2026-11-22T02:20:00.123Z`. `address` is the IP
    address connected to. `note` is the reason of a failure, in a few words. `tls_version`,
    `tls_certificate` (SHA-256) and `tls_verified` (`ok`, or why not) are empty for plain HTTP.
    `certificate` is that certificate in DER, if it verified and names an organisation that an
    authority validated; else it is empty.
    `confirms` is set for a 304 to a conditional request: `body` and `extract` are then those of
    the stored response, while `headers` and `size` are those of the 304.
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
    certificate: bytes = b""
    confirms: RevalidatedResponse | None = None

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields, after a 304 those of the stored response with its updates."""
        return fields_of(self.headers, self.confirms.headers if self.confirms else None)

    def header(self, name: str) -> str:
        """Return the first value of a header field, its name in any case; empty without one."""
        return value_of(self.fields, name.lower())


def value_of(fields: tuple[tuple[str, str], ...], name: str) -> str:
    """Return the first value of the field `name`, given in lower case; empty without one."""
    return next((value for n, value in fields if n.lower() == name), "")


def fields_of(
    headers: tuple[tuple[str, str], ...], confirmed: tuple[tuple[str, str], ...] | None
) -> tuple[tuple[str, str], ...]:
    """Return the header fields of a response.

    For a 304, `confirmed` holds the fields of the stored response. Fields of the 304 replace all
    stored ones of the same name (RFC 9111, 3.2 and 4.3.4).
    """
    if confirmed is None:
        return headers
    new = tuple((n, v) for n, v in headers if n.strip().lower() not in _NOT_UPDATED)
    names = {name.strip().lower() for name, _ in new}
    old = ((n, v) for n, v in confirmed if n.strip().lower() not in names)
    return (*old, *new)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The input of a protocol: bytes, with what the server said about them.

    `body` is the body of a file; or the header fields that a protocol reads, each as a CRLF line
    `name: value`; or the extract of a page or media file. `media_type` is lower case without
    parameters, empty if the server named none. `status` is the status code of an error whose
    header fields are read, None for every other document.
    """

    body: bytes
    media_type: str = ""
    charset: str = ""
    truncated: bool = False
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A place in a document that departs from the specification or that readers read differently.

    `code` is dotted, `family.fault`; `line` is 1-based; `excerpt` quotes the document.
    """

    code: str
    line: int | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One parsed signal, with its place in the document.

    `n` counts from 1 within a reading; 0 is a statement made for one answer, which is not
    stored. `line` is 1-based, and so is `agent_line`, the line that names the agent. `agent` is
    `*` or a product token as written. `path` is a path pattern with `*` and `$`, `media` a file
    extension without the dot. `purpose` is None only for stance `refused`, which is about
    access. A statement that does not count (`counts`) is shown but decides nothing. `tier` is
    the explicitness, from 1 (mining is named) to 4. `use` names the part of the purpose that is
    meant (`non-generative`), empty for all of it.
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
    use: str = ""
    agent_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A passage of natural language that may be a reservation.

    It is never a statement, since courts disagree about its effect
    (docs/reference/protocols/page_text.md).
    `strength` is `candidate`, or `mention` for a passage that only mentions the matter. `kind`
    is `reservation`, `anti_scraping` or `template` (a text that a service supplies). `location`
    is `robots_comment`, `ai_txt_comment`, `ai_txt_text`, `trust_txt_comment`, `llms_txt`, `page`,
    `legal_page` or `page_metadata`. `language` is ISO 639-1. `pattern` is the name
    in the list of patterns. `snippet` quotes the passage, shortened.
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
    """A party that a document names, with its role. The document claims it; nothing proves it.

    `source` is what names it (`rsl.copyright`), `place` where in the document. `role` is a
    `PartyRole`; `confidence` is `high`, `medium` or `low`. `offers` are the terms of an offer, and
    `uses` the purposes that it is for, none for all of them. `uid` is an identifier or domain,
    `identifiers` are those of registers (`lei:…`, `isni:…`, `wikidata:…`, `vat:…`). `private` holds
    personal data (names of persons, telephone numbers, addresses), which is stored only on request.
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
    place: str = ""
    identifiers: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    uses: tuple[Purpose, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The result of one protocol for one document. Equal documents give equal readings.

    `rules` is private to the protocol: what it needs to answer questions. It is not compared.
    `names` are the URLs in the document that the plan may request, such as TDM policies.
    `candidates` change a state only under a rule set that counts prose, `parties` never do.
    `is_lenient` says that an undeclared encoding had to be undone, so that no statement counts.
    `has_unread` says that a part of the document was meant to say something and says nothing in
    any reading: alone, that part would be malformed and without a statement.
    `source` is a digest of what it was read from: equal ones of one protocol and version have equal
    readings. It is empty for a reading that says nothing, and for one that no snapshot holds.
    """

    presence: Presence
    statements: tuple[Statement, ...] = ()
    issues: tuple[Issue, ...] = ()
    names: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    parties: tuple[Party, ...] = ()
    rules: object = field(default=None, compare=False, repr=False)
    is_lenient: bool = False
    has_unread: bool = False
    source: str = field(default="", compare=False, repr=False)


def numbered(statements: list[Statement]) -> tuple[Statement, ...]:
    """Return the statements of a reading with `n` set, from 1 in their order."""
    return tuple([s if s.n == n else replace(s, n=n) for n, s in enumerate(statements, start=1)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question about an origin.

    `path` is path and query of one URL, None for the whole origin. `agent` is a product token,
    None for all agents. `origin` is the origin asked about as text (`Origin.url`), for documents
    that name the hosts they are about; it is empty where that is not known.
    """

    path: str | None = None
    agent: str | None = None
    origin: str = ""


class AppliedStatement(NamedTuple):
    """A statement that applies to a question.

    `limited_to` says which part of what was asked it covers (`agents`, `paths`, `file types`,
    `pages`); it is empty for a statement that covers all of it.
    """

    statement: Statement
    limited_to: str = ""
