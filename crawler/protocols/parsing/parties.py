"""Parties as documents name them: what is personal goes apart, and each is named once.

Data protection asks for the least that serves: names of organisations, pages and mailboxes
of offices. Names of persons, their mailboxes, telephones and postal addresses are
put into `private`, which is stored only where an operator asks for it.
"""

import re
from collections.abc import Iterable

from crawler.model import Party
from crawler.protocols.parsing.json_document import clean
from crawler.urls import resolve

#: Parties of one document; more are a list of something else.
MOST = 50
HIGH, MEDIUM, LOW = "high", "medium", "low"

_TEXT = 500
# Local parts of mailboxes that belong to an office, not to a person (RFC 2142 and usage).
_OFFICES = frozenset(
    "abuse admin anfrage contact contacto contatti copyright datenschutz hello hostmaster info "
    "kontakt legal lizenz lizenzen licence licences license licenses licensing mail office "
    "permissions post postmaster press presse privacy publisher redaktion rechte rights sales "
    "security service support syndication tdm team webmaster".split()
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_PORT = re.compile(r":\d+\Z")


def party(
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
    is_person: bool = False,
) -> Party | None:
    """A party, None where nothing about it is said.

    `contact` are pages, mailboxes and telephones, the first of a kind is taken; `personal` is
    private whatever it says, and so are name and identifier of a person.
    """
    pages, mailboxes, private = _sorted(contact)
    known = {"name": _short(name), "uid": _short(uid)}
    for field, text in known.items():
        if text and (is_person or ("@" in text and not _WEB.match(text))):
            private.append(text)
            known[field] = ""
    private += [text for given in personal if (text := _short(given))]
    found = Party(
        source=source,
        role=role,
        confidence=confidence,
        licence_page=page_of(licence_page),
        contact_page=next(iter(pages), ""),
        mailbox=next(iter(mailboxes), ""),
        duties=_short(duties),
        private=tuple(dict.fromkeys(private))[:MOST],
        **known,
    )
    return None if found == Party(source=source, role=role, confidence=confidence) else found


def unique(found: Iterable[Party | None], most: int = MOST) -> tuple[Party, ...]:
    """Those who are named, each once, in the order of the document."""
    return tuple(dict.fromkeys(one for one in found if one is not None))[:most]


def domain_of(text: str) -> str:
    """The host that a URL or a bare name means, without `www.`; empty where it means none."""
    written = text.strip()
    url = resolve.join(
        "https://host.invalid", written if "://" in written else f"https://{written}"
    )
    host = _PORT.sub("", resolve.origin_of(url).partition("://")[2]).rstrip(".") if url else ""
    return host.removeprefix("www.") if "." in host and resolve.is_askable(written) else ""


def is_web(text: str) -> bool:
    """Whether a text is an absolute http or https URL."""
    return _WEB.match(text) is not None


def page_of(written: str) -> str:
    """A page as the document writes it, absolute or relative; empty for what is no page."""
    text = clean(written.strip())
    is_page = is_web(text) or text.startswith(("/", "./", "../"))
    return text if is_page and " " not in text and resolve.is_askable(text) else ""


def reference(href: str) -> str:
    """The value of an attribute that can only be a URL, so written that `page_of` takes it."""
    is_relative = href[:1] not in ("", "/", ".", "#") and not _SCHEME.match(href)
    return f"./{href}" if is_relative else href


def absolute(base: str, page: str) -> str:
    """A page as an absolute URL, where `base` is the URL of the document; empty without one."""
    return (resolve.join(base, page) or "") if page else ""


def _sorted(contact: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Ways to reach a party: pages, mailboxes of offices, and what is private."""
    pages: list[str] = []
    mailboxes: list[str] = []
    private: list[str] = []
    for given in contact:
        text = _short(given)
        mail = text[7:].partition("?")[0] if text.lower().startswith("mailto:") else text
        if "@" in mail and not is_web(mail):
            (mailboxes if _is_office(mail) else private).append(mail)
        elif page := page_of(text):
            pages.append(page)
        elif text:
            private.append(text)
    return pages, mailboxes, private


def _is_office(mailbox: str) -> bool:
    local = mailbox.partition("@")[0].partition("+")[0]
    return local.lower() in _OFFICES and not any(c.isspace() for c in mailbox)


def _short(text: str) -> str:
    return clean(" ".join(text[: 4 * _TEXT].split()))[:_TEXT]
