"""The gate before each request: robots.txt (RFC 9309), read for our own product token.

Well-known policy files are the exception. A rule that was written for other files, such as
`Disallow: /*.json$`, does not withhold them; see
docs/explanation/decisions/0011-policy-files-and-robots-rules.md.

Rules for editors: whatever is withheld, and whatever is requested in spite of a rule, is
recorded with the line of the rule. In doubt the gate is closed.
"""

from typing import NamedTuple

from crawler.model import Observation, Reading, Target
from crawler.plan.history import printable
from crawler.protocols.parse import REFUSED_BY_RULE
from crawler.protocols.parsing.path_patterns import normalise_path
from crawler.protocols.robots import robots_txt
from crawler.protocols.robots.groups import AgentRules, CrawlRule, Robots
from crawler.protocols.robots.line_reader import to_printable
from crawler.urls import resolve
from crawler.vocab import Outcome, Presence, Resource

#: The product token for which robots.txt is read (RFC 9309, 2.2.1).
AGENT = "tdm-audit"
#: Files at well-known paths in which a site states its policy.
POLICY_FILES = frozenset(
    (Resource.AI_TXT, Resource.AI_TXT_WELL_KNOWN, Resource.TDMREP_JSON, Resource.TRUST_TXT)
)

# Text of a pattern, after a wildcard, that can only be meant for a policy file.
_POLICY_NAMES = ("well-known", "ai.txt", "tdmrep", "trust.txt")


class Permission(NamedTuple):
    """The answer of the gate to a request.

    `refusal` is why the request is withheld, empty if it may be sent. `in_spite_of` is the rule in
    spite of which it may be sent, with the reason; empty if no rule refuses it.
    """

    refusal: str = ""
    in_spite_of: str = ""


def failure(url: str, robots: Observation) -> str:
    """Return why the last answer for the robots.txt at a URL closes the gate; empty if it does not.

    RFC 9309, 2.3.1: 4xx means unavailable, so everything may be requested. What is neither 2xx nor
    4xx, and no answer at all, means unreachable: complete disallow.
    """
    if robots.status is None or robots.outcome not in (Outcome.RESPONDED, Outcome.TOO_LARGE):
        return f"{url} was not read: {robots.outcome}"
    is_read = 200 <= robots.status < 300 or robots.confirms is not None
    # 429 is 4xx, but says nothing about the file (RFC 6585, 4). A host that answers so is
    # stopped by its history; here the answer may come from another host, after a redirect.
    if not (is_read or 400 <= robots.status < 500) or robots.status == 429:
        return f"{url} answered {robots.status}"
    return ""


def permission(
    url: str, reading: Reading | None, target: Target, *, policy_files_always: bool
) -> Permission:
    """Return whether the robots.txt at `url` lets a request through; `reading` is None without one.

    `policy_files_always` lets policy files through in spite of any rule, never in spite of a
    robots.txt that could not be parsed.
    """
    if reading is None:
        return Permission()
    if reading.presence is Presence.UNSEEN:
        return Permission(refusal=f"{url} could not be parsed")
    path = resolve.path_and_query(target.url)
    rule = robots_txt.refusing_rule(reading, AGENT, path)
    robots = robots_txt.robots_of(reading)
    if rule is None or robots is None:
        return Permission()
    is_policy_file = target.resource in POLICY_FILES
    deciding = _rule_for_policy_files(robots, rule, path) if is_policy_file else rule
    if deciding is None:
        return _in_spite_of(f"{_cite(url, robots, rule)}: a rule for other files")
    if is_policy_file and policy_files_always:
        return _in_spite_of(f"{_cite(url, robots, deciding)}: --policy-files-always")
    refusal = f"{_cite(url, robots, deciding)} {REFUSED_BY_RULE} {AGENT}"
    if is_policy_file:
        refusal += "; --policy-files-always asks in spite of it"
    return Permission(refusal=refusal)


def _in_spite_of(rule: str) -> Permission:
    return Permission(in_spite_of=f"asked in spite of {rule}")


def _rule_for_policy_files(robots: Robots, rule: CrawlRule, path: str) -> CrawlRule | None:
    """Return the rule that refuses a policy file once rules for other files are left out.

    `rule` refuses the path among all rules. The file may be refused by a shorter rule, too, as by
    `Disallow: /` above `Disallow: /*.json$`.
    """
    if not _is_for_other_files(rule):
        return rule
    rules = robots.rules_for(AGENT)[0].rules
    kept = AgentRules(tuple(r for r in rules if r.allow or not _is_for_other_files(r)))
    deciding = kept.decide(normalise_path(path))
    return None if deciding is None or deciding.allow else deciding


def _is_for_other_files(rule: CrawlRule) -> bool:
    """Return whether a rule that matches a policy file was written for other files.

    It refuses neither everything nor a path that begins with more than `/`, and does not name the
    file after a wildcard.
    """
    pattern = rule.pattern
    if pattern.universal or len(pattern.parts[0]) > 1:
        return False
    return not any(name in pattern.text for name in _POLICY_NAMES)


def _cite(url: str, robots: Robots, rule: CrawlRule) -> str:
    """Return URL, line number and text of a rule."""
    text = robots.lines.texts[rule.number - 1].strip()
    return f"{url} line {rule.number} ({printable(to_printable(text))})"
