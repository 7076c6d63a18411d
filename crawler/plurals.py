"""Counts with their nouns, and verbs that agree with them: 1 row is, 2 rows are."""


def counted(number: int, noun: str, many: str = "") -> str:
    """Return a number with its noun. `many` is the plural, if it is not made with an s."""
    return f"{number:,} {agreeing(number, noun, many or f'{noun}s')}"


def agreeing(number: int, one: str, many: str) -> str:
    """Return the word that agrees with a number."""
    return one if number == 1 else many
