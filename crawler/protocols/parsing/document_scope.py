"""Answers of protocols whose statements all cover the whole document that they came with."""

from crawler.model import AppliedStatement, Reading


def statements_for_document(reading: Reading) -> tuple[AppliedStatement, ...]:
    """Return every statement of a reading without a limit, those that count first."""
    ordered = sorted(reading.statements, key=lambda statement: not statement.counts)
    return tuple(AppliedStatement(statement=statement) for statement in ordered)
