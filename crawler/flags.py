"""A verdict for a URL: the finding for exactly that URL, as seven columns."""

import sqlite3
from collections import OrderedDict
from typing import NamedTuple
from urllib.parse import urljoin

from crawler import names
from crawler.judge import Finding, judge
from crawler.model import Question
from crawler.rulesets import RuleSet
from crawler.store.dossier import Dossier, Reader
from crawler.store.lookup import find_origin
from crawler.vocab import Purpose, Reject, State

_ORIGINS, _URLS = 4096, 65536
COLUMNS = (
    "tdm_state",
    "tdm_reserved",
    "tdm_purpose",
    "tdm_basis",
    "tdm_policy_url",
    "tdm_observed_at",
    "tdm_rules",
)


class Verdict(NamedTuple):
    """What is said of one row; the names are those of the columns without `tdm_`.

    `reserved` is None where it is not known: the origin was never asked, or something planned
    was not seen, or pages of the origin reserve and this one was not among those seen.
    `basis` is the protocol that decided; for `unknown` it is the reason.
    """

    state: str
    reserved: bool | None
    purpose: str
    basis: str | None
    policy_url: str | None
    observed_at: str | None
    rules: str


class Flagger:
    """Verdicts out of a database, for one purpose and rule set, for everybody or one agent."""

    def __init__(
        self,
        db: sqlite3.Connection,
        rules: RuleSet,
        purpose: Purpose,
        agent: str | None = None,
    ) -> None:
        self._db = db
        self._rules = rules
        self._purpose = purpose
        self._agent = agent
        self._reader = Reader(db)
        self._dossiers: OrderedDict[str, Dossier | None] = OrderedDict()
        self._verdicts: OrderedDict[str, Verdict] = OrderedDict()

    def verdict(self, url: str | None) -> Verdict:
        """The verdict for a URL as it stands in a dataset; garbage is `unknown`, never an error."""
        text = url or ""
        found = self._verdicts.get(text)
        if found is None:
            found = self._verdicts[text] = self._judge(text)
            if len(self._verdicts) > _URLS:
                self._verdicts.popitem(last=False)
        return found

    def _judge(self, url: str) -> Verdict:
        origin = names.origin_of(url)
        if isinstance(origin, Reject):
            return self._unknown(f"no origin: {origin}")
        dossier = self._dossier(names.origin_key(origin))
        if dossier is None or not dossier.sights:
            return self._unknown("origin never asked")
        question = Question(path=names.path_of(url), agent=self._agent)
        (finding,) = judge(dossier.sights, question, self._rules, (self._purpose,))
        return self._of(finding, dossier)

    def _of(self, finding: Finding, dossier: Dossier) -> Verdict:
        if finding.state is State.UNKNOWN:
            return self._unknown(finding.detail)
        by = finding.by
        policy = by.statement.policy if by else None
        return Verdict(
            state=finding.state.value,
            reserved=_reserved(finding, self._rules),
            purpose=self._purpose.value,
            basis=by.protocol.NAME if by else None,
            policy_url=urljoin(by.sight.url, policy) if by and policy else None,
            observed_at=by.sight.observed_at if by else dossier.last_look,
            rules=self._rules.label,
        )

    def _unknown(self, reason: str) -> Verdict:
        return Verdict(
            state=State.UNKNOWN.value,
            reserved=None,
            purpose=self._purpose.value,
            basis=reason,
            policy_url=None,
            observed_at=None,
            rules=self._rules.label,
        )

    def _dossier(self, key: str) -> Dossier | None:
        if key in self._dossiers:
            self._dossiers.move_to_end(key)
            return self._dossiers[key]
        known = find_origin(self._db, key)
        self._dossiers[key] = None if known is None else self._reader.open(known[0])
        if len(self._dossiers) > _ORIGINS:
            self._dossiers.popitem(last=False)
        return self._dossiers[key]


def _reserved(finding: Finding, rules: RuleSet) -> bool | None:
    """True, False, or None where only pages that are not this one reserve."""
    by = finding.by
    if finding.state is State.PARTIAL and by is not None and by.voice.part == "pages":
        return None
    return finding.state in rules.reserved_states
