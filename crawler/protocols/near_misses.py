"""Near misses: what authors write instead of what a vocabulary defines, and what they mean.

Each entry is a small document. Its protocol must answer with the issue and with a lenient
statement: shown, and counted only under a rule set that says so. `docs/reference/near-misses.md` is
generated from these tables, and a test parses every entry.

Rules for editors: no express signal may vanish. Whoever finds a new spelling adds it here, and
then makes its protocol read it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from crawler.protocols.aipref import _vocabulary
from crawler.protocols.content_signals import _values as _signals
from crawler.protocols.media import cawg, plus_xmp
from crawler.protocols.robots import ai_control
from crawler.protocols.robots_directives import _tokens
from crawler.protocols.tdmrep import _values as _tdmrep
from crawler.vocab import Purpose, Stance

_TDM, _AI_TRAIN, _GENAI = Purpose.TDM, Purpose.AI_TRAIN, Purpose.GENAI_TRAIN
_RESERVED, _CONDITIONAL = Stance.RESERVED, Stance.CONDITIONAL


class NearMiss(NamedTuple):
    """One near miss: a document of a protocol, its correct form, and what is made of it.

    `written` is a file, header line, element or property; a robots.txt is a group of `*` that
    holds it, unless it begins with `User-agent`. `issue` is the code of the issue.
    """

    protocol: str
    written: str
    meant: str
    issue: str
    stance: Stance = _RESERVED
    purpose: Purpose = _TDM


class Vocabulary(NamedTuple):
    """The near misses of one vocabulary, with the lists of words that its parsers take.

    `words` maps a caption to pairs of a word and what it means.
    """

    title: str
    entries: tuple[NearMiss, ...]
    words: tuple[tuple[str, Mapping[str, object]], ...] = ()


_ONE = '"tdm-reservation":1'
_RULE = '[{"location":"/","tdm-reservation":1}]'
_SIGNAL, _USAGE = "Content-Signal: ai-train=no", "Content-Usage: train-ai=n"
_META = '<meta name="tdm-reservation" content="1">'


def _file(written: str, issue: str, meant: str = _RULE, stance: Stance = _RESERVED) -> NearMiss:
    return NearMiss("tdmrep_file", written, meant, f"tdmrep.{issue}", stance)


def _at(location: str, meant: str, issue: str) -> NearMiss:
    rule = f'[{{"location":"{location}",{_ONE}}}]'
    return _file(rule, issue, f'"location":"{meant}"')


def _value(value: str, issue: str = "type_mismatch") -> NearMiss:
    return _file(f'[{{"location":"/","tdm-reservation":{value}}}]', issue, _ONE)


def _header(written: str, issue: str) -> NearMiss:
    return NearMiss("tdmrep_header", written, "tdm-reservation: 1", f"tdmrep.{issue}")


def _element(written: str, issue: str) -> NearMiss:
    return NearMiss("tdmrep_html", written, _META, f"tdmrep.{issue}")


def _usage(written: str, issue: str = "near_miss", protocol: str = "aipref_header") -> NearMiss:
    return NearMiss(protocol, written, _USAGE, f"aipref.{issue}", purpose=_GENAI)


def _signal(
    written: str, issue: str = "near_miss", protocol: str = "content_signal_robots"
) -> NearMiss:
    return NearMiss(protocol, written, _SIGNAL, f"content_signal.{issue}", purpose=_AI_TRAIN)


def _tag(
    written: str, issue: str, meant: str = "X-Robots-Tag: noai", protocol: str = "x_robots_tag"
) -> NearMiss:
    return NearMiss(protocol, written, meant, f"directives.{issue}", purpose=_AI_TRAIN)


def _training(written: str, issue: str, meant: str = "DisallowAITraining: /") -> NearMiss:
    return NearMiss("ai_control", written, meant, f"ai_control.{issue}", purpose=_GENAI)


def _trust(written: str) -> NearMiss:
    meant = "datatrainingallowed=no"
    return NearMiss("trust_txt", written, meant, "trust_txt.near_miss", purpose=_AI_TRAIN)


def _line(written: str) -> NearMiss:
    return NearMiss("ai_txt", written, "Disallow: /", "ai_txt.training_line", purpose=_AI_TRAIN)


_TDMREP = (
    _file('{"location":"/","tdm-reservation":1}', "not_array"),
    _file('{"rules":[{"location":"/","tdm-reservation":1}]}', "not_array"),
    _value('"1"'),
    _value("true"),
    _value("1.0"),
    _value('"yes"'),
    _value('"reserved"'),
    _value("[1]"),
    _value("2", "value.not_a_bit"),
    _file("\ufeff" + _RULE, "bom"),
    _at("https://example.org/", "/", "rule.location"),
    _at("http://www.example.org/data/", "/data/", "rule.location"),
    _at("//example.org/data/", "/data/", "rule.location"),
    _at("example.org", "/", "rule.location"),
    _at("data/", "/data/", "rule.location"),
    _at("/.*", "/*", "rule.regex"),
    _at("^/", "/", "rule.regex"),
    _at(".*", "/*", "rule.regex"),
    _at("/(.*)", "/*", "rule.regex"),
    _at("^/data/.*$", "/data/*", "rule.regex"),
    _at("/.*\\\\.pdf$", "/*.pdf$", "rule.regex"),
    _file(f"[{{{_ONE}}}]", "rule.no_location"),
    _file('[{"path":"/","tdm-reservation":1}]', "legacy_key"),
    _file('[{"location":"/","tdm_reservation":1}]', "legacy_key"),
    _file('[{"location":"/","tdm-reservaton":1}]', "legacy_key"),
    _file('[{"location":"/","tdm-reservation":1},]', "json"),
    _file('[{"location":"/","tdm-reservation":1,}]', "json"),
    _file('// all rights reserved\n[{"location":"/","tdm-reservation":1}]', "json"),
    _file("[{'location':'/','tdm-reservation':1}]", "json"),
    _file("[{location:'/', tdm-reservation: 1}]", "json"),
    _file('[{"location":"/","tdm-reservation":1}', "json"),
    _file('[{"location":"/","tdm-reservation":1},{"location":"/b","tdm-res', "json"),
    _file("tdm-reservation: 1", "json"),
    _file('<pre>[{"location":"/","tdm-reservation":1}]</pre>', "soft_404"),
    _header("tdm-reservation: 1, 1", "header.repeated"),
    _header("tdm-reservation: true", "type_mismatch"),
    _header("tdm-reservation: yes", "type_mismatch"),
    _header("tdm-reservation: 1;policy=x", "type_mismatch"),
    _header("TDM_Reservation: 1", "nonstandard_header"),
    _header("tdm-reservations: 1", "nonstandard_header"),
    _header("tdm-reserve: 1", "nonstandard_header"),
    _header("x-tdm-reservation: 1", "nonstandard_header"),
    _header("tdm-reservaton: 1", "nonstandard_header"),
    _header("tdm-a: 1", "legacy_header"),
    _element(f"<body>{_META}", "meta.in_body"),
    _element('<meta name="tdm:reservation" content="1">', "meta.epub_name"),
    _element('<meta property="tdm-reservation" content="1">', "meta.property"),
    _element('<meta http-equiv="tdm-reservation" content="1">', "meta.http_equiv"),
    _element('<meta name="tdm-reservaton" content="1">', "legacy_key"),
    _element('<meta name="tdm-reservation" value="1">', "meta.no_content"),
    _element('<meta name="tdm-reservation" content="yes">', "type_mismatch"),
    NearMiss("ai_control", "TDM-Reservation: 1", "tdm-reservation: 1", "ai_control.tdm_line"),
)
_AIPREF = (
    _usage("Content-Usage: train-ai=no"),
    _usage("Content-Usage: train-ai=N"),
    _usage("Content-Usage: train-ai=?0"),
    _usage("Content-Usage: train-ai=disallow"),
    _usage('Content-Usage: train-ai="n"'),
    _usage("Content-Usage: ai-train=n"),
    _usage("Content-Usage: ai-train=no, search=yes"),
    _usage("Content-Usage: train_ai=n"),
    _usage("Content-Usage: TRAIN-AI=n", "syntax"),
    _usage("Content-Usage: train-ai: n", "syntax"),
    _usage("Content-Usage: train-ai = n", "syntax"),
    _usage("Content-Usage: train-ai=n,", "syntax"),
    _usage("Content-Usage: search=y;train-ai=n", "label_as_parameter"),
    _usage("Content-Usage: no-train-ai"),
    _usage("Content-Usage: n"),
    _usage("Content-Usage: train-ai=n train-ai=y", "syntax"),
    _usage("Content-Usages: train-ai=n"),
    _usage("content_usage: train-ai=n"),
    _usage("X-Content-Usage: train-ai=n"),
    _usage("Content-Usage: ai-train=n", protocol="aipref_robots"),
    _usage("Content-Usage: no-train-ai", protocol="aipref_robots"),
    _usage("Content-Usage: n", protocol="aipref_robots"),
    _usage("Content-Usage: train-ai=n train-ai=y", "syntax", protocol="aipref_robots"),
    _usage("User-agent: **\nContent-Usage: train-ai=n", "no_agent", protocol="aipref_robots"),
    _usage("User-agent:\nContent-Usage: train-ai=n", "no_agent", protocol="aipref_robots"),
    _usage("Content-Usages: train-ai=n", protocol="aipref_robots"),
    _usage("content_usage: train-ai=n", protocol="aipref_robots"),
    _usage("Content-Usage train-ai=n", protocol="aipref_robots"),
    _usage("\u00a0Content-Usage: train-ai=n", protocol="aipref_robots"),
)
_SIGNALS = (
    _signal("Content-Signal: ai-train=no;search=yes", "syntax"),
    _signal("Content-Signal: ai-train: no", "syntax"),
    _signal("Content-Signal: ai-train no", "syntax"),
    _signal("Content-Signal: ai-train=false", "value"),
    _signal("Content-Signal: ai-train=disallow", "value"),
    _signal('Content-Signal: ai-train="no"', "value"),
    _signal("Content-Signal: ai_train=no"),
    _signal("Content-Signal: train-ai=no"),
    _signal("Content-Signal: ai-training=no"),
    _signal("Content-Signals: ai-train=no"),
    _signal("Content_Signal: ai-train=no"),
    _signal("ContentSignal: ai-train=no"),
    _signal("Content-Singal: ai-train=no"),
    _signal("Content-Signal ai-train=no"),
    _signal("\ufeffContent-Signal: ai-train=no"),
    _signal("Content\u2011Signal: ai-train=no"),
    _signal("Content-Signals: ai-train=no", protocol="content_signal_header"),
    _signal("content_signal: ai-train=no", protocol="content_signal_header"),
    _signal("Content-Signal: train-ai=n", protocol="content_signal_header"),
)
_DIRECTIVES = (
    _tag("X-Robots-Tag: no-ai", "misspelt"),
    _tag("X-Robots-Tag: no ai", "misspelt"),
    _tag("X-Robots-Tag: no_ai", "misspelt"),
    _tag("X-Robots-Tag: noaitraining", "misspelt"),
    _tag("X-Robots-Tag: no-imageai", "misspelt", "X-Robots-Tag: noimageai"),
    _tag("X-Robots-Tag: noimagesai", "misspelt", "X-Robots-Tag: noimageai"),
    _tag("X-Robots-Tag: noai; noimageai", "separator", "X-Robots-Tag: noai, noimageai"),
    _tag("X-Robots-Tag: noai=true", "unexpected_value"),
    _tag('X-Robots-Tag: "noai"', "quoted"),
    _tag("X-Robot-Tag: noai", "header_misspelt"),
    _tag("X-Robots-Tags: noai", "header_misspelt"),
    _tag("Robots-Tag: noai", "robots_tag"),
    _tag(
        '<meta name="robots" content="no-ai">',
        "misspelt",
        '<meta name="robots" content="noai">',
        "meta_robots",
    ),
    _tag(
        '<meta name="robot" content="noai">',
        "meta.name_misspelt",
        '<meta name="robots" content="noai">',
        "meta_robots",
    ),
)
_TRAINING = (
    _training("Disallow-AI-Training: /", "near_miss"),
    _training("Disallow_AI_Training: /", "near_miss"),
    _training("DisallowAITrainning: /", "near_miss"),
    _training("NoAI: /", "near_miss"),
    _training("No-AI-Training: yes", "near_miss"),
    _training("Disallow-AI: /", "near_miss"),
    _training("AI-Training: no", "near_miss"),
    _training("AI-Training: not allowed", "near_miss"),
    _training("AllowAITraining: no", "value"),
    _training("DisallowAITraining: yes", "value"),
    _training("DisallowAITraining: data/", "value", "DisallowAITraining: /data/"),
)
_FILES = (
    _trust("data-training-allowed=no"),
    _trust("data_training_allowed=no"),
    _trust("data training allowed=no"),
    _trust("aitrainingallowed=no"),
    _trust("datatrainingdisallowed=yes"),
    _trust("trainingallowed: false"),
    _line("training=disallowed"),
    _line("Training-allowed: no"),
    _line("Disallow-Training: /"),
)
_IN_MEDIA = (
    NearMiss("cawg", "cawg.data_mining: not_allowed", "notAllowed", "cawg.use_misspelt"),
    NearMiss("cawg", "cawg.data_mining: prohibited", "notAllowed", "cawg.use_misspelt"),
    NearMiss("cawg", "cawg.data-mining: notAllowed", "cawg.data_mining", "cawg.key_misspelt"),
    NearMiss("cawg", "data_mining: notAllowed", "cawg.data_mining", "cawg.key_misspelt"),
    NearMiss("plus_xmp", "DMI-PROHIBITED", "the full URI", "plus.not_the_uri"),
    NearMiss(
        "plus_xmp",
        "http://ns.useplus.org/ldf/vocab/DMI-PROHIBTED",
        "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED",
        "plus.not_the_uri",
    ),
    NearMiss("plus_xmp", "Prohibited", "the full URI of DMI-PROHIBITED", "plus.not_the_uri"),
)

VOCABULARIES = (
    Vocabulary(
        "TDMRep",
        _TDMREP,
        (("names", _tdmrep.NEAR_NAMES), ("values", _tdmrep.NEAR_BITS)),
    ),
    Vocabulary(
        "AIPREF",
        _AIPREF,
        (("labels", _vocabulary.NEAR_LABELS), ("values", _vocabulary.NEAR_VALUES)),
    ),
    Vocabulary(
        "Content Signals",
        _SIGNALS,
        (("keys", _signals.NEAR_KEYS), ("values", _signals.NEAR_VALUES)),
    ),
    Vocabulary("Robots directives", _DIRECTIVES, (("directives", _tokens.NEAR_DIRECTIVES),)),
    Vocabulary("Robots AI control", _TRAINING, (("keys", ai_control.NEAR_KEYS),)),
    Vocabulary("trust.txt and ai.txt", _FILES),
    Vocabulary(
        "CAWG and PLUS",
        _IN_MEDIA,
        (("uses of CAWG", cawg.NEAR_USES), ("keys of PLUS", plus_xmp.NEAR_KEYS)),
    ),
)


def as_markdown() -> str:
    """Return the tables for the documentation."""
    return "\n".join(line for vocabulary in VOCABULARIES for line in _section(vocabulary))


def _section(vocabulary: Vocabulary) -> Iterator[str]:
    yield f"\n## {vocabulary.title}\n"
    yield "| written | meant | read by | issue | lenient statement |"
    yield "|---|---|---|---|---|"
    for one in vocabulary.entries:
        stance = f"{one.stance} on `{one.purpose}`"
        cells = (
            _code(one.written),
            _code(one.meant),
            f"`{one.protocol}`",
            f"`{one.issue}`",
            stance,
        )
        yield f"| {' | '.join(cells)} |"
    for caption, words in vocabulary.words:
        yield f"\nWords taken for other {caption}:\n"
        by_meaning: dict[str, list[str]] = {}
        for word, meant in words.items():
            by_meaning.setdefault(str(meant), []).append(f"`{word}`")
        yield from (f"- `{meant}`: {', '.join(given)}" for meant, given in by_meaning.items())


def _code(text: str) -> str:
    """Return a text as code in a cell, with the characters shown that cannot be seen."""
    shown = "".join(c if c.isprintable() and c != "\u2011" else f"⟨U+{ord(c):04X}⟩" for c in text)
    return f"`{shown.replace('|', chr(92) + '|')}`"
