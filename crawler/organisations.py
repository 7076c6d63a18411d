"""Names of organisations: distinguished from names of persons, and normalised for comparison.

A name is that of an organisation only if it says so, by a legal form or by a word that names a
kind of organisation. Every other name may be that of a person and counts as one.
"""

import re
import unicodedata
from functools import lru_cache

from crawler.legal_forms import form_before, form_in, is_sole_trader

#: Raised when a word is added or taken away.
VERSION = 1

# Words that name a kind of organisation, in lower case without accents. Words that persons use
# for a business of their own (studio, media, design, consulting) are left out on purpose.
_WORDS = frozenset(
    (
        # institutions
        "academia academie academy accademia akademia akademie akademija association "
        "associacao associazione asociacion asociace asociacija ayuntamiento bank banca banco "
        "banque bundesamt bundesministerium bundesverband camera chamber church cinematheque "
        "cathedral diocese kirche bistum city club college collective commission comune "
        "concello consortium consorzio council county department diputacion drzava embassy "
        "eglise faculty federacion federation federazione fondation fondazione fonden forbund "
        "forening forbundet foundation fundacao fundacion fundacja fundatia gemeente gemeinde "
        "genossenschaft gesellschaft government handelskammer hochschule hospital institut "
        "institute instituto instytut istituto insituto kammer klinik kommune krankenhaus "
        "landesamt landkreis landratsamt library bibliothek biblioteca bibliotheque "
        "biblioteka lyceum mairie ministere ministerie ministerio ministerium ministero "
        "ministry ministerstvo ministerstwo municipality musee museo museu museum muzeum "
        "muzej obcina observatory opera orchestra parlament parlement parliament partei "
        "politechnika regione saatio schule society societe spolek stadt stiftelse stiftelsen "
        "stiftung stichting theater theatre universidad universidade universita universitaet "
        "universitat universite universiteit universitet university universitatea univerzita "
        "univerzitet uniwersytet urad verband verein vereniging vlaanderen zavod yliopisto "
        "ulikool universitate "
        # publishing and broadcasting
        "allehanda archiv archive archives bladet broadcasting broadcaster buchverlag dagblad "
        "dagbladet ediciones edicions editions editora editorial editore editori edizioni "
        "editrice forlag forlaget gazette herald kiado kustannus leidykla mediegruppen "
        "mediengruppe mediengesellschaft mediahuis nakladatelstvi nakladnik news newspaper "
        "newspapers nachrichtenagentur posten presseagentur publications publishers "
        "publishing radio rundfunk staatsverlag televisao television televizija tidning "
        "tidningen times tribune uitgeverij uitgevers verlag verlagsgesellschaft "
        "verlagsgruppe verlagshaus vydavatelstvi vydavatelstvo wydawnictwo zalozba zeitung "
        "zeitungsgruppe zeitungsverlag zeitschriften "
        # companies
        "aktiengesellschaft airlines aktiebolag companies company concern corporation "
        "enterprises group groep grupa grupo grupp gruppe gruppen gruppo groupe grup holding "
        "holdings industries konzern konsern kooperative cooperative cooperativa ltd "
        "technologies "
        "versicherung insurance"
    ).split()
)
# Endings of compound words in Germanic languages.
_ENDINGS = (
    "verlag zeitung gesellschaft gruppe stiftung verband verein ministerium museum bibliothek "
    "hochschule universitat anstalt genossenschaft rundfunk bladet forlag forening "
    "stiftelse forbund kommune uitgeverij vereniging stichting"
).split()
# Words of which two or more together name an organisation.
_PAIRS = (
    ("press", ("university", "associated", "free")),
    (
        "agency",
        ("news", "press", "environment", "medicines", "space", "european", "federal", "national"),
    ),
    ("media", ("group", "public", "national")),
    ("trust", ("national", "scott", "charitable")),
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
_ARTICLES = frozenset("the der die das le la les el los il lo de het den det".split())
_AND = re.compile(r"\s*(?:&|\+)\s*")
_MAX_NAME = 160
_UNLIKELY = re.compile(r"[<>{}\[\]=|\\@*]|https?:|\$\{|%[a-z]+%", re.IGNORECASE)


@lru_cache(maxsize=4096)
def is_organisation(name: str) -> bool:
    """Return whether a name is that of an organisation. Not to know counts as a person."""
    if not is_name(name) or is_sole_trader(name):
        return False
    if form_in(name) is not None or form_before(name):
        return True
    words = _words(name)
    if len(words) < 2 and not any(word.endswith(tuple(_ENDINGS)) for word in words):
        return False
    return any(word in _WORDS or word.endswith(tuple(_ENDINGS)) for word in words) or any(
        word in words and any(other in words for other in others) for word, others in _PAIRS
    )


def is_name(text: str) -> bool:
    """Return whether a text may be a name at all: letters, no markup, no address, not too long."""
    return (
        0 < len(text) <= _MAX_NAME
        and any(map(str.isalpha, text))
        and _UNLIKELY.search(text) is None
    )


@lru_cache(maxsize=4096)
def comparable(name: str) -> str:
    """Return a name as it is compared: without case, accents, punctuation, legal form and article.

    Empty for a name without letters and digits.
    """
    name = name[form_before(name) :]
    found = form_in(name)
    without = name if found is None else f"{name[: found[0]]} {name[found[1] :]}"
    words = _words(_AND.sub(" and ", without)) or _words(name)
    while len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    return " ".join(words)


def _words(name: str) -> list[str]:
    """Return the words of a name in lower case without accents."""
    folded = unicodedata.normalize("NFKD", name.casefold().replace("ß", "ss"))
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    return [word.replace("’", "'") for word in _WORD.findall(plain.replace("ø", "o"))]
