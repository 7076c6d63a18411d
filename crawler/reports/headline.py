"""The result of an audit in one sentence."""

from crawler.plurals import counted
from crawler.reports.summary import Summary
from crawler.vocab import Purpose, State

# The use that `flag` gives verdicts for if none is chosen.
_PURPOSE = Purpose.GENAI_TRAIN


def headline(numbers: Summary, purpose: Purpose = _PURPOSE) -> str:
    """Return one sentence: how many rows are reserved for a purpose, and how many are unknown."""
    named = numbers.total_rows - numbers.unattributable
    some = f", {named:,} of them" if numbers.unattributable else ""
    scope = f"{counted(numbers.total_rows, 'row')}{some} from "
    scope += counted(numbers.total_origins, "origin")
    if not numbers.rules:
        return f"Of {scope}: nothing was judged yet."
    least, shown, most = map(int, numbers.bounds.get(purpose, (0, 0, 0)))
    reserved = counted(shown, "row")
    if numbers.total_rows:
        reserved += f" ({shown / numbers.total_rows:.1%})"
    if numbers.weight_bounds and numbers.total_weight:
        share = numbers.weight_bounds[purpose].shown / numbers.total_weight
        reserved += f" and {share:.1%} of the {numbers.weight_name}"
    if (least, most) != (shown, shown):
        reserved += f", {least:,} in the narrowest and {most:,} in the widest reading"
    audience = f" for {numbers.agent}" if numbers.agent else ""
    unknown = numbers.rows.get((purpose, State.UNKNOWN), 0)
    return (
        f"Of {scope}: {purpose} is reserved{audience} (wholly, on terms or in part) by the origins "
        f"of {reserved}; {unknown:,} unknown ({numbers.rules})."
    )
