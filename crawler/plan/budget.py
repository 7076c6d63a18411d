"""Budget of one origin: time of its requests, CPU time and octets; what is left is withheld.

Rules for editors: the reason is stored as evidence and counted by `store.run_statistics`, so its
wording is stable.
"""

from dataclasses import dataclass

#: The start of the note of a request that was withheld because a budget was used up; the name of
#: the budget and a comma follow.
USED_UP = "budget used up: "
TIME, CPU, OCTETS = BUDGETS = ("time", "CPU time", "octets")


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginBudget:
    """Seconds, CPU seconds and octets that the requests of one origin may take; 0 is no limit."""

    time: float = 0.0
    cpu: float = 0.0
    octets: int = 0


@dataclass(slots=True, kw_only=True)
class Spent:
    """Cost of the requests of one origin so far.

    `time` is in seconds, without delays and without waiting for other origins. `cpu` is in seconds
    of this process, `octets` are those received.
    """

    time: float = 0.0
    cpu: float = 0.0
    octets: int = 0


def reason(spent: Spent, budget: OriginBudget) -> str:
    """Return which part of a budget is used up, as a note; an empty text if none is."""
    if 0 < budget.time <= spent.time:
        return f"{USED_UP}{TIME}, {spent.time:.1f} of {budget.time:g} s"
    if 0 < budget.cpu <= spent.cpu:
        return f"{USED_UP}{CPU}, {spent.cpu:.1f} of {budget.cpu:g} s"
    if 0 < budget.octets <= spent.octets:
        return f"{USED_UP}{OCTETS}, {spent.octets:,} of {budget.octets:,}"
    return ""
