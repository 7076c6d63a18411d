"""Lines `key: value` of ai.txt about training or mining, in words that no specification has.

People invent them: `Training-allowed: no`, `Disallow-Training: /`, `Usage: no-training`. Such a
line is express and not of the format. So it is a lenient reading of what was meant.
"""

import re
from typing import NamedTuple

from crawler.vocab import Purpose, Stance

_TOPIC = re.compile(
    r"train|fine-?tun|machine-?learn|\bml\b|(?:text|data)-?(?:and-?data-?)?mining|\bmining|\btdm"
)
_MINING = re.compile(r"mining|\btdm")
#: Words about AI at large, which decide only together with a plain yes or no.
_AI = re.compile(r"(?<!open-)\b(?:gen-?ai|ai|llms?|ki|ia)\b")
_FORBIDS = re.compile(
    r"disallow|prohibit|forbid|den(?:y|ied)|\bno\b|\bnot\b|\bnon\b|block|exclud|refus|reserv"
    r"|opt(?:ed)?-?out|\bwithout\b|restrict|never|\bdon-?t\b|verboten|untersagt|interdi|vietat"
    r"|prohib|\bno(?=ai|train|tdm|ml\b)"
)
_PERMITS = re.compile(r"allow|permit|grant|opt(?:ed)?-?in|accept|welcome|consent|licen[cs]ed")
_YES = frozenset("yes true 1 y on ok all any everything / * /* oui ja si sí full".split())
_NO = frozenset("no false 0 n off none never nein non nee deny".split())
_TERMS = re.compile(r"licen[cs]e|contact|ask|paid|pay|fee|condition|request|agreement|terms")
_URL = re.compile(r"(?:https?:|mailto:)\S+|[^\s@:]{1,64}@[^\s@]{1,200}", re.IGNORECASE)
_MAX_VALUE = 200


class TrainingLine(NamedTuple):
    """The meaning of a line. `stance` is None for a line that says neither yes nor no.

    `path` is the value if it is a path that a key of refusing is for, else empty.
    """

    stance: Stance | None
    purpose: Purpose
    path: str = ""
    policy: str | None = None


def read_training_line(key: str, value: str) -> TrainingLine | None:
    """Return the meaning of a line, or None if it does not speak of training or mining."""
    name, words = _plain(key), _plain(value[:_MAX_VALUE])
    # The text of a URL or of an e-mail address is no statement.
    is_url = _URL.fullmatch(value) is not None
    speaking = name if is_url else f"{name} {words}"
    is_about_ai = _AI.search(name) is not None and words in _YES | _NO
    if not _TOPIC.search(speaking) and not is_about_ai:
        return None
    purpose = Purpose.TDM if _MINING.search(speaking) else Purpose.AI_TRAIN
    if is_url:
        offers = _TERMS.search(name) is not None
        return TrainingLine(Stance.CONDITIONAL if offers else None, purpose, policy=value)
    stance = _stance(name, words)
    is_path = value.startswith(("/", "*"))
    return TrainingLine(stance, purpose, value if is_path else "")


def speaks_against(text: str) -> bool:
    """Return whether a comment or a line of prose seems to refuse training or mining."""
    words = _plain(text[:_MAX_VALUE])
    return _TOPIC.search(words) is not None and _FORBIDS.search(words) is not None


def _plain(text: str) -> str:
    """Return a text in lower case, with single hyphens for `_`, blanks and other separators."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", text.strip().strip("\"'`"))
    return re.sub(r"[\s_.,;-]+", "-", spaced.lower()).strip("-")


def _stance(name: str, value: str) -> Stance | None:
    """Return what a key and a value say together.

    A key that refuses turns the value around: `Disallow-Training: no` lets training in.
    """
    key_forbids = _FORBIDS.search(name) is not None
    if not value:
        return None
    if value in _NO:
        return Stance.PERMITTED if key_forbids else Stance.RESERVED
    if value in _YES:
        return Stance.RESERVED if key_forbids else Stance.PERMITTED
    if key_forbids or _FORBIDS.search(value):
        return Stance.RESERVED
    if _TERMS.search(value):
        return Stance.CONDITIONAL
    if _PERMITS.search(f"{name} {value}"):
        return Stance.PERMITTED
    return None
