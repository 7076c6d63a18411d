"""Legal forms of organisations: those of all EU states, and frequent ones of other states.

A form with dots is known in any case (`S.p.A.`, `s.p.a.`). One without dots is known only as it
is listed, and in capitals if it has more than three letters: `AS` is a form, `as` a word.
"""

import re

#: Raised when a form is added or taken away.
VERSION = 1

_FORMS = {
    "AT": "GmbH|Ges.m.b.H.|GesmbH|m.b.H.|AG|OG|KG|FlexCo|reg. Gen. m. b. H.",
    "BE": "BV|B.V.|BVBA|NV|N.V.|SA|S.A.|SRL|S.R.L.|SPRL|ASBL|A.S.B.L.|VZW|V.Z.W.|CV|SC|AISBL|IVZW",
    "BG": "ООД|ЕООД|АД|ЕАД|OOD|EOOD|AD|EAD",
    "CY": "Ltd|Λτδ|Plc",
    "CZ": "s.r.o.|spol. s r.o.|a.s.|v.o.s.|k.s.|z.s.|z.ú.|o.p.s.",
    "DE": "GmbH|gGmbH|mbH|UG|AG|KG|OHG|oHG|KGaA|eG|e.G.|e.V.|eV|PartG|mbB|AöR|A.ö.R.|VVaG|gAG",
    "DK": "A/S|ApS|I/S|K/S|P/S|IVS|F.m.b.a.|A.m.b.a.|FMBA|AMBA",
    "EE": "OÜ|AS|MTÜ|TÜ|UÜ",
    "EL": "Α.Ε.|ΑΕ|Ε.Π.Ε.|ΕΠΕ|Ι.Κ.Ε.|ΙΚΕ|Μ.Α.Ε.|Μ.Ε.Π.Ε.|Μ.Ι.Κ.Ε.|Α.Μ.Κ.Ε.|ΑΜΚΕ|A.E.|I.K.E.|ΑΕΒΕ",
    "ES": "S.A.|SA|S.L.|SL|S.L.U.|SLU|S.A.U.|SAU|S.L.N.E.|S.Coop.|SAT|S.L.P.|SLP",
    "FI": "Oy|OY|Oyj|OYJ|Ab|Abp|ry|r.y.|Ky|rf|r.f.",
    "FR": "SA|S.A.|SAS|S.A.S.|SASU|SARL|S.A.R.L.|EURL|SNC|S.N.C.|SCIC|SCOP|GIE|SCA",
    "HR": "d.o.o.|d.d.|j.d.o.o.|k.d.|j.t.d.",
    "HU": "Kft.|Kft|Zrt.|Zrt|Nyrt.|Nyrt|Bt.|Kkt.|Rt.",
    "IE": "Ltd|Ltd.|Limited|DAC|plc|PLC|CLG|Teoranta|Teo.|ULC",
    "IT": "S.p.A.|SpA|SPA|S.r.l.|Srl|SRL|S.r.l.s.|Srls|S.n.c.|S.a.s.|S.a.p.A.|Soc. Coop.|ONLUS"
    "|S.c.r.l.|ETS|A.P.S.|S.c.a.r.l.|S.c.p.a.",
    "LT": "UAB|AB|MB|VšĮ|VŠĮ",
    "LU": "S.A.|S.à r.l.|S.à.r.l.|Sàrl|SARL|S.C.A.|SCS|A.s.b.l.|S.C.S.",
    "LV": "SIA|AS|A/S",
    "MT": "Ltd|Limited|plc|P.L.C.",
    "NL": "B.V.|BV|N.V.|NV|V.O.F.|VOF|C.V.|U.A.",
    "PL": "Sp. z o.o.|sp. z o. o.|S.A.|sp.k.|sp. j.|S.K.A.|P.S.A.|Spółka Akcyjna"
    "|spółka z ograniczoną odpowiedzialnością|spółka komandytowa",
    "PT": "Lda|Lda.|Limitada|S.A.|SGPS|S.G.P.S.|C.R.L.|Unipessoal",
    "RO": "S.R.L.|SRL|S.A.|SA|S.C.A.",
    "SE": "AB|HB|KB|ek. för.|(publ)",
    "SI": "d.o.o.|d.d.|d.n.o.|k.d.|z.o.o.",
    "SK": "s.r.o.|spol. s r.o.|a.s.|v.o.s.|k.s.|š.p.|o.z.|n.o.",
    "EU": "SE|SCE|EWIV|EEIG|GEIE",
    "others": "Inc|Inc.|Incorporated|LLC|L.L.C.|LLP|L.L.P.|Corp|Corp.|Corporation|Pty Ltd|Pty. Ltd."
    "|Pvt. Ltd.|Pvt Ltd|Co., Ltd.|Co. Ltd|ASA|ehf.|hf.|Ltda|Ltda.|Limitada|S.A. de C.V.|K.K."
    "|Sagl|Sàrl|Genossenschaft|Aktiengesellschaft|Gesellschaft mit beschränkter Haftung"
    "|eingetragener Verein|haftungsbeschränkt|(haftungsbeschränkt)|Aktiebolag|Aktieselskab"
    "|Osakeyhtiö|Société Anonyme|Sociedad Anónima|Sociedad Limitada|Società per Azioni"
    "|Company Limited|& Co.|& Co|Public Limited Company",
}
# A business of one person bears the name of that person.
_SOLE_TRADERS = (
    "e.K.|e.Kfm.|e.Kfr.|e.U.|eU|eK|EI|E.I.|EIRL|s.p.|PFA|P.F.A.|I.I.|IĮ|IK|Inh.|Inhaber|Inhaberin"
    "|Einzelunternehmen|Einzelunternehmer|eenmanszaak|auto-entrepreneur|micro-entreprise"
    "|sole trader|autónomo|ditta individuale|enskild firma|enkeltmandsvirksomhed|toiminimi|GbR|JDG"
)
_LONG = 4  # letters of a form that is known in capitals too


def _variants(form: str) -> str:
    """Return a pattern for the spellings of a form."""
    if "." in form and not form.endswith(("Ltd.", "Inc.", "Corp.")) and form.count(".") > 1:
        parts = [re.escape(part.strip()) for part in form.split(".")]
        dotted = r"\.\s?".join(parts if parts[-1] else parts[:-1])
        return rf"(?i:{dotted}\.?)"
    words = r"\s+".join(map(re.escape, form.split()))
    is_long = sum(map(str.isalpha, form)) >= _LONG
    return rf"(?:{words}|{re.escape(form.upper())})" if is_long else words


def _pattern(forms: str) -> str:
    listed = sorted(set(forms.split("|")), key=len, reverse=True)
    return "|".join(map(_variants, listed))


_ONE = rf"(?<![\w.])(?:{_pattern('|'.join(_FORMS.values()))})(?!\w)"
# Forms follow each other: `GmbH & Co. KG`, `Sp. z o.o. sp. k.`, `AB (publ)`.
_JOINT = r"(?:[\s,]*(?:&|und|and|et|y|e|i|\+)?\s*(?:Cie\.?|Co\.?)?\s*)"
_FORM = re.compile(rf"{_ONE}(?:{_JOINT}{_ONE}){{0,3}}")
_SOLE = re.compile(rf"(?<![\w.])(?:{_pattern(_SOLE_TRADERS)})(?![\w.])")
# Forms that stand before the name: in Belgium, France, the Baltic states, Romania, Greece.
_BEFORE = re.compile(
    r"(?:VZW|ASBL|SAS|SARL|EURL|UAB|AB|MB|VšĮ|VŠĮ|SIA|AS|OÜ|MTÜ|S\.?C\.|Α\.?Ε\.?|ЕООД|ООД|АД)\s+(?=\S{2})"
)


def form_in(text: str) -> tuple[int, int] | None:
    """Return begin and end of the first legal form in a text, None if it has none.

    Forms that follow each other are one. A form at the very beginning is no name.
    """
    for match in _FORM.finditer(text):
        if text[: match.start()].strip(" ,.;:-&"):
            return match.start(), match.end()
    return None


def form_before(text: str) -> int:
    """Return the length of a legal form that stands before a name, 0 if there is none."""
    match = _BEFORE.match(text)
    return match.end() if match else 0


def is_sole_trader(text: str) -> bool:
    """Return whether a name says that the business is that of one person."""
    return _SOLE.search(text) is not None
