"""The name in a copyright notice: sign or word, years, name up to a legal form or a stop.

The patterns know the wordings of all official languages of the EU.
"""

import re

from crawler.legal_forms import form_in
from crawler.organisations import is_name

#: Raised with every change of the patterns.
VERSION = 1

_WORD = r"(?:(?:copyrights?|copyleft|copr\.)(?!\w)|\(c\)|©|℗|ⓒ)"
_YEAR = r"(?:19|20)\d\d"
_NOW = "present|now|heute|today|current|aujourd.?hui|oggi|hoy|hoje|dnes"
_YEARS = rf"{_YEAR}(?:\s*(?:[-–—/,&+]|to|bis|a|à|and|und|et)\s*(?:{_YEAR}|\d\d(?!\d)|{_NOW}))*"
# In lower case, but for English: `De`, `Van` and others begin names.
_BY = (
    r"(?-i:[Bb]y|BY|of|von|bei|beim|par|de|por|di|da|door|van|af|av|przez|tekijä|od)"
    r"\b:?"
)
_SIGN = re.compile(rf"(?<!\w){_WORD}(?:[\s:|,.–-]*{_WORD})*", re.IGNORECASE)
_LEAD = re.compile(
    rf"[\s:|,.;·–—-]*(?:{_YEARS}[\s:|,.;–—-]*)?(?:{_BY}\s+)?(?:{_YEARS}[\s:|,.;–—-]*)?(?:{_BY}\s+)?",
    re.IGNORECASE,
)
_LAST_YEARS = re.compile(rf"[\s,(|–—-]*{_YEARS}[\s)–—-]*\Z", re.IGNORECASE)
# "All rights reserved" and its kin, in all official languages of the EU.
_RESERVED = (
    r"all rights|some rights|no rights|alle rechte?n?|sämtliche rechte"
    r"|tous (?:les )?droits|droits réservés|todos (?:los |os )?(?:derechos|direitos)"
    r"|tutti i diritti|diritti riservati|alle rettigheder|alla rättigheter|kaikki oikeudet"
    r"|všechna práva|všetky práva|minden jog|toate drepturile|всички права|sva prava"
    r"|vse pravice|visos teisės|visas tiesības|kõik õigused|με (?:την )?επιφύλαξη"
    r"|όλα τα δικαιώματα|wszelkie prawa|wszystkie prawa|gach ceart|id-drittijiet"
    r"|drittijiet kollha|rechte vorbehalten|rights reserved|derechos reservados"
)
# Words that follow a name in a foot and belong to no name.
_AFTER = (
    r"(?:or|and) (?:its|their) |powered by|built with|designed? by|website by|web ?design|theme by"
    r"|made (?:with|by|in)|developed by|hosted by|impress?+s?um|imprint|privacy"
    r"|datenschutz|terms|disclaimer|contact|kontakt|cookies?|registered"
    r"|company (?:no|number)|vat|p\.? ?iva|partita iva|c\.?f\.|tva|nif|cif|btw|kvk|ust"
    r"|hrb?|isbn|issn|reproduction|unauthori[sz]ed|no part|use of this|is a |ist ein"
    r"|est une|è una|es una|part of|ein unternehmen|a member of|an? [\w ]{2,30} company"
    r"|licen[cs]ed|under the|unless|mentions légales|aviso legal|site map|sitemap|about"
    r"|all content|alle inhalte|jegliche"
)
_STOP = re.compile(
    rf"[|•·;»«›>\n]|\s[-–—]+\s|[.!]\s+(?=[A-ZÀ-ÞΑ-ΩА-Я0-9])|,\s*(?=\d)|[.,]?\s*\b(?:{_RESERVED}|{_AFTER})",
    re.IGNORECASE,
)
_PICTURE = re.compile(
    r"\b(?:foto|fotos|photo|bild|bilder|image|picture|grafik|illustration|getty|stock|dpa|afp|"
    r"reuters|shutterstock|imago|unsplash|adobe|karte|openstreetmap|video)\b",
    re.IGNORECASE,
)
# What a notice of software or of a licence says, and what a foot without a name says.
_OTHER = re.compile(
    r"\b(?:extensions?|plugin|theme|lightbox|jquery|wordpress|typo3|drupal|licen[cs]e|act|law"
    r"|claims?|infring|notice|holders?|owners?|respective|policy|protected|geschützt|relevant"
    r"|this (?:site|website)|internet archive|domain name|your (?:name|company)|company name"
    r"|site ?name|dummy)\b",
    re.IGNORECASE,
)
_NO_BEGINNING = re.compile(
    r"(?:and|or|on|in|to|for|law|is|are|und|oder|et|ou|e|y|i)\s", re.IGNORECASE
)
_EDGES = " \t,.;:|/–—-•·*+&\"'“”„‚‘’«»()[]"
_MAX_WORDS = 12
_MAX_LABEL = 60


def holder_in(text: str) -> str:
    """Return the name that a copyright notice gives, as written; empty if it gives none."""
    for sign in _SIGN.finditer(text):
        lead = _LEAD.match(text, sign.end())
        rest = text[lead.end() if lead else sign.end() :]
        name = _name(_SIGN.split(rest, maxsplit=1)[0])
        if not name and not rest.strip(_EDGES):
            # "ACME Ltd © 2026": the name stands before the sign.
            name = _name(_before(text[: sign.start()]))
        if name:
            return name
    return ""


def name_in(text: str) -> str:
    """Return the name in a text that needs no sign, such as the content of `meta copyright`."""
    if _SIGN.search(text):
        return holder_in(text)
    lead = _LEAD.match(text)
    return _name(text[lead.end() if lead else 0 :])


def legal_name_in(text: str) -> str:
    """Return the name with a legal form in a line of an imprint, without a label before it."""
    label, colon, rest = text.partition(":")
    line = rest if colon and len(label) < _MAX_LABEL else text
    return _name(line) if form_in(line) is not None else ""


def _before(text: str) -> str:
    """Return the last part of a text, behind its last stop."""
    return re.split(r"[|•·;»«›\n]|\s[-–—]+\s|[!?]\s", text)[-1]


def _name(text: str) -> str:
    """Return the name at the beginning of a text: up to a legal form, else up to a stop."""
    text = text.strip(_EDGES[:2] + ",:|–—-")
    stop = _STOP.search(text)
    form = form_in(text)
    # The stop may be a full stop inside a legal form, or stand behind it.
    if form is not None and (stop is None or form[0] <= stop.start() + 1):
        name = text[: form[1]]
    else:
        name = text[: stop.start()] if stop else text
    name = _LAST_YEARS.sub("", name)
    if form is None:
        name = name.partition(", ")[0]
    name = _trimmed(name, keeps_stop=form is not None)
    is_credit = _PICTURE.search(name) and (form is None or ":" in name)
    is_bad = is_credit or _NO_BEGINNING.match(name) or _OTHER.search(name)
    if is_bad or len(name.split()) > _MAX_WORDS:
        return ""
    return name if is_name(name) else ""


def _trimmed(name: str, *, keeps_stop: bool) -> str:
    """Return a name without punctuation around it; a form may end with a full stop or a bracket."""
    # A quotation that a name begins ends in it: UAB „Delfi“.
    quoted = any(mark in name.strip(_EDGES) for mark in '„“”«"')
    kept = (".)" if keeps_stop else "") + ('“”»"' if quoted else "")
    return name.lstrip(_EDGES).rstrip("".join(c for c in _EDGES if c not in kept))
