"""Words and numbers of the report: purposes, states, tiers, shares and amounts."""

from crawler.plurals import agreeing
from crawler.reports.dataset_report.model import Number, Sentence

PURPOSES = {
    "tdm": "any text and data mining",
    "ai_train": "training any model",
    "genai_train": "training generative models",
    "ai_input": "input of a model (RAG)",
    "search": "search index",
}
#: The order in which parts of a bar are drawn.
STATES = ("reserved", "conditional", "partial", "refused", "unknown", "permitted", "silent")
PRESENCES = ("present", "absent", "malformed", "unseen")
RESERVED = ("reserved", "conditional", "partial")
#: A sign for each state, so that colour never stands alone, and what the state means.
SIGNS = {
    "reserved": "■",
    "conditional": "◪",
    "partial": "◧",
    "refused": "⊘",
    "unknown": "?",
    "permitted": "▲",
    "silent": "○",
}
MEANINGS = {
    "reserved": "reserved for everyone",
    "conditional": "reserved, terms are offered",
    "partial": "reserved in part: some agents, paths or file types",
    "refused": "all robots refused, mining not mentioned",
    "unknown": "not seen",
    "permitted": "permitted in a statement",
    "silent": "nothing was said, which is not consent",
}
TIERS = {
    1: "signals that name text and data mining (tier 1)",
    2: "signals that name AI training (tier 2)",
    3: "rules that name single crawlers (tier 3), nearly always in robots.txt",
    4: "signals that name no use (tier 4)",
}
READINGS = {
    "strict": "only signals that name mining or training",
    "signals": "every structured signal",
    "inclusive": "also refusals, malformed signals and prose",
}
LIMITS = (
    "These are signals of servers, seen by one client at one time. They are no verified "
    "declarations of rights holders, and the operator of a host is not taken for one.",
    "silent is not consent, permitted is not a licence, and what was not seen is unknown, never "
    "free.",
    "A signal at one address says nothing about copies elsewhere, and nothing about works that "
    "are reserved in registries or inside files that were not read.",
    "What was seen now is not what was there when a row was collected.",
    "Reservations under Art. 4(3) of Directive (EU) 2019/790 do not affect mining for scientific "
    "research under Art. 3, and who may rely on that was not examined. Member States and courts "
    "read the directive differently, and no protocol is valid or invalid because it is listed "
    "here.",
    "Some signals are set by an infrastructure provider for its customers. They are marked where "
    "they can be recognised, in the column declared_by.",
)
#: Why a planned place was not seen, by the outcome of the last attempt.
OUTCOMES = {
    "responded": "answered",
    "not_found_host": "host not found",
    "refused": "connection refused",
    "timed_out": "timed out",
    "tls_failed": "TLS failed",
    "broken": "connection broke",
    "too_large": "too large",
    "withheld": "withheld (robots.txt or a budget)",
    "blocked_address": "address not public",
    "redirect_limit": "too many redirects",
    "local_failure": "failure of our machine",
}
_SCALES = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))


def share(value: float | None) -> Number:
    """Return a share as percentage. What is little is not shown as nothing, nor much as all."""
    if value is None:
        return Number(None, "–")
    percent = value * 100
    if 0 < percent < 0.05:
        return Number(value, "<\u00a00.1\u00a0%")
    if 99.95 <= percent < 100:
        return Number(value, ">\u00a099.9\u00a0%")
    return Number(value, f"{percent:.1f}\u00a0%" if 0 < percent < 100 else f"{percent:.0f}\u00a0%")


def amount(value: float | None) -> Number:
    """Return a number, in words from a million up."""
    if value is None:
        return Number(None, "–")
    for size, name in _SCALES:
        if value >= size:
            return Number(value, f"{value / size:.3g}\u00a0{name}")
    return Number(value, f"{value:,.0f}")


def count(value: int) -> Number:
    """Return a count with all its digits."""
    return Number(value, f"{value:,}")


def counted(value: int, noun: str) -> Sentence:
    """Return a count with its noun, which is in the plural except for one."""
    return (count(value), f" {agreeing(value, noun, f'{noun}s')}")


def minute(time: str | None) -> str:
    """Return a time of the database to the minute."""
    return f"{time[:10]} {time[11:16]} UTC" if time else "–"
