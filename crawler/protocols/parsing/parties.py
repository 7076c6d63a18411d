"""Parties that documents name: rights holders, publishers and contacts.

Rules for editors: data minimisation (GDPR, Article 5(1)(c)) decides what goes where. Names of
organisations, pages and mailboxes of offices are public. Names, mailboxes, telephones and postal
addresses of persons go into `Party.private`, which is stored only where an operator asks for it.
A name counts as a person's unless the document or the name itself says that it is an
organisation.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from crawler.model import Party
from crawler.organisations import is_name, is_organisation
from crawler.protocols.parsing.json_document import clean
from crawler.protocols.parsing.notice_text import name_in
from crawler.urls import resolve
from crawler.vocab import Offer, Purpose

#: Parties kept of one document. A longer list is a list of something else.
MAX_PARTIES = 50
HIGH, MEDIUM, LOW = "high", "medium", "low"

_MAX_TEXT = 500
# Local parts of mailboxes of an office, not of a person (RFC 2142, and common use).
_OFFICES = frozenset(
    "abuse admin anfrage contact contacto contatti copyright datenschutz hello hostmaster info "
    "kontakt legal lizenz lizenzen licence licences license licenses licensing mail office "
    "permissions post postmaster press presse privacy publisher redaktion rechte rights sales "
    "security service support syndication tdm team webmaster".split()
)
# Identifiers of organisations: ISO 17442, ISO 27729, Wikidata, and VAT numbers of the EU.
_REGISTERS = {
    "lei": re.compile(
        r"(?:lei:\s*|https?://(?:www\.)?(?:search\.)?gleif\.org/(?:\S*/)?)([0-9a-z]{18}\d\d)/?",
        re.I,
    ),
    "isni": re.compile(
        r"(?:isni:?\s*|https?://(?:www\.)?isni\.org/(?:isni/)?)(\d{4}\s?\d{4}\s?\d{4}\s?\d{3}[\dx])/?",
        re.I,
    ),
    "wikidata": re.compile(
        r"(?:wikidata:\s*|https?://(?:www\.)?wikidata\.org/(?:wiki|entity)/)(q[1-9]\d{0,11})", re.I
    ),
    "vat": re.compile(r"(?:vat:\s*)([a-z]{2}[0-9a-z.\s-]{6,16})", re.I),
}

_MAX_IDENTIFIERS = 10
# A notice in the place of a name: "© ACME Ltd".
_SIGN = re.compile(r"©|\bcopyright\b", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_PORT = re.compile(r":\d+\Z")


def make_party(
    source: str,
    role: str,
    confidence: str,
    *,
    name: str = "",
    uid: str = "",
    licence_page: str = "",
    contact: Iterable[str] = (),
    duties: str = "",
    personal: Iterable[str] = (),
    is_person: bool | None = None,
    place: str = "",
    identifiers: Iterable[str] = (),
    offers: tuple[Offer, ...] = (),
    uses: tuple[Purpose, ...] = (),
) -> Party | None:
    """Make a party, or return None if nothing identifies it.

    `contact` holds pages, mailboxes and telephones; the first page and the first mailbox of an
    office are taken. `personal` is always private; name and `uid` of a person are private too.
    `is_person` is what the document says; None leaves it to the name. A name that can be none,
    such as markup, is dropped.
    """
    pages, mailboxes, private = _sort_contacts(contact)
    known = _identifiers(identifiers)
    name = _short(name)
    if _SIGN.search(name):
        name = name_in(name)
    if name and "@" not in name and not is_name(name):
        name = ""
    if is_person is None:
        is_person = bool(name) and not is_organisation(name)
    public = {"name": name, "uid": _short(uid)}
    for field, text in public.items():
        if text and (is_person or ("@" in text and not _WEB.match(text))):
            private.append(text)
            public[field] = ""
    private += [text for given in personal if (text := _short(given))]
    party = Party(
        source=source,
        role=role,
        confidence=confidence,
        licence_page=page_url(licence_page),
        contact_page=next(iter(pages), ""),
        mailbox=next(iter(mailboxes), ""),
        duties=_short(duties),
        private=tuple(dict.fromkeys(private))[:MAX_PARTIES],
        identifiers=() if is_person else known,
        name=public["name"],
        uid=public["uid"],
    )
    if party == Party(source=source, role=role, confidence=confidence):
        return None
    return replace(party, place=_short(place), offers=offers, uses=uses)


def unique_parties(parties: Iterable[Party | None], limit: int = MAX_PARTIES) -> tuple[Party, ...]:
    """Return each party once, at its first place in the document, at most `limit` of them."""
    first: dict[Party, Party] = {}
    for party in parties:
        if party is not None:
            first.setdefault(replace(party, place=""), party)
    return tuple(first.values())[:limit]


def domain_of(text: str) -> str:
    """Return the host of a URL or of a bare name, without `www.`; empty if there is none."""
    written = text.strip()
    url = resolve.join(
        "https://host.invalid", written if "://" in written else f"https://{written}"
    )
    host = _PORT.sub("", resolve.origin_text(url).partition("://")[2]).rstrip(".") if url else ""
    return host.removeprefix("www.") if "." in host and resolve.is_askable(written) else ""


def is_web_url(text: str) -> bool:
    """Return whether a text is an absolute http or https URL."""
    return _WEB.match(text) is not None


def page_url(written: str) -> str:
    """Return a URL of a page as the document writes it; empty for any other text."""
    text = clean(written.strip())
    is_page = is_web_url(text) or text.startswith(("/", "./", "../"))
    return text if is_page and " " not in text and resolve.is_askable(text) else ""


def mark_relative(href: str) -> str:
    """Return the value of a URL attribute with `./` before a bare relative path.

    `page_url` takes such a value; without `./` it could be any text.
    """
    is_relative = href[:1] not in ("", "/", ".", "#") and not _SCHEME.match(href)
    return f"./{href}" if is_relative else href


def absolute_url(base: str, page: str) -> str:
    """Return a page as an absolute URL, or empty. `base` is the URL of the document."""
    return (resolve.join(base, page) or "") if page else ""


def _identifiers(given: Iterable[str]) -> tuple[str, ...]:
    """Return the identifiers of registers among texts and URLs, in one form, each once."""
    found = (identifier(text) for text in given)
    return tuple(dict.fromkeys(one for one in found if one))[:_MAX_IDENTIFIERS]


def identifier(text: str) -> str:
    """Return an identifier of a register as `lei:…`, `isni:…`, `wikidata:…` or `vat:…`, or empty.

    Known are the codes with a prefix and the URLs of the registers. Codes of ISO 17442 (LEI) and
    ISO 27729 (ISNI) count only with the right check characters.
    """
    for kind, pattern in _REGISTERS.items():
        if match := pattern.fullmatch(text.strip()):
            code = re.sub(r"[\s.-]", "", next(filter(None, match.groups()))).upper()
            return f"{kind}:{code}" if _is_checked(kind, code) else ""
    return ""


def _is_checked(kind: str, code: str) -> bool:
    """Return whether the check characters of a code are right, where its register has any.

    Otherwise any twenty characters would make a person's name that of an organisation.
    """
    if kind == "lei":  # ISO 7064, MOD 97-10
        return int("".join(str(int(sign, 36)) for sign in code)) % 97 == 1
    if kind == "isni":  # ISO 7064, MOD 11-2
        total = 0
        for digit in code[:-1]:
            total = (total + int(digit)) * 2
        return "0123456789X"[(12 - total % 11) % 11] == code[-1]
    return True


def _sort_contacts(contact: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Sort contacts into pages, mailboxes of offices, and private ones."""
    pages: list[str] = []
    mailboxes: list[str] = []
    private: list[str] = []
    for given in contact:
        text = _short(given)
        mail = text[7:].partition("?")[0] if text.lower().startswith("mailto:") else text
        if "@" in mail and not is_web_url(mail):
            (mailboxes if _is_office(mail) else private).append(mail)
        elif page := page_url(text):
            pages.append(page)
        elif text:
            private.append(text)
    return pages, mailboxes, private


def _is_office(mailbox: str) -> bool:
    local = mailbox.partition("@")[0].partition("+")[0]
    return local.lower() in _OFFICES and not any(c.isspace() for c in mailbox)


def _short(text: str) -> str:
    return clean(" ".join(text[: 4 * _MAX_TEXT].split()))[:_MAX_TEXT]
