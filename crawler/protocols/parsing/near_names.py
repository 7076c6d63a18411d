"""Names written almost as a vocabulary has them: other separators, a plural, a typing error.

Rules for editors: a near name is a lenient reading only. The comparison needs no loop over the
vocabulary, since hostile files hold many thousands of unknown names.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from crawler.caches import NEAR_NAMES, BoundedCache

_SEPARATORS = re.compile(r"[-_:. \u00a0\u2010-\u2015\u2212]+")
_MAX_LENGTH = 40
#: Shorter names have too many neighbours that mean something else.
_MIN_LENGTH = 6
_HEADER_SEPARATORS = ("_", "", ".")


def squash(name: str) -> str:
    """Return a name in lower case without separators."""
    return _SEPARATORS.sub("", name[:_MAX_LENGTH].strip().lower())


class NearNames:
    """The names of a vocabulary, found by exact or by similar spelling.

    `others` maps words that authors use instead to the name that they mean.
    """

    def __init__(self, names: Iterable[str], others: Mapping[str, str] | None = None) -> None:
        self._whole = {squash(other): name for other, name in (others or {}).items()}
        self._whole |= {squash(name): name for name in names}
        self._shortened: dict[str, str] = {}
        for whole, name in self._whole.items():
            for variant in _variants(whole):
                self._shortened.setdefault(variant, name)
        self._cache: BoundedCache[str, tuple[str | None]] = BoundedCache(NEAR_NAMES)

    def meant(self, written: str) -> str | None:
        """Return the name that a text means, None if it resembles none.

        A text resembles a name if one letter is missing, surplus, wrong or swapped with the next:
        both then have a spelling with one letter less in common.
        """
        # A document has few names, and each of them many times. More of a text is not compared.
        begin = written[:_MAX_LENGTH]
        found = self._cache.get(begin) or self._cache.put(begin, (self._find(begin),))
        return found[0]

    def _find(self, written: str) -> str | None:
        plain = squash(written)
        if plain in self._whole:
            return self._whole[plain]
        plain = plain.removeprefix("x")
        if plain in self._whole:
            return self._whole[plain]
        return next((self._shortened[v] for v in _variants(plain) if v in self._shortened), None)


def _variants(name: str) -> Iterator[str]:
    if _MIN_LENGTH <= len(name) < _MAX_LENGTH:
        yield name
        for n in range(len(name)):
            yield name[:n] + name[n + 1 :]


def header_spellings(name: str) -> tuple[str, ...]:
    """Return the near misses of a header name, which are declared by name and so are a list.

    They are other separators, a plural, the prefix `x-`, one letter missing or doubled, and two
    letters swapped.
    """
    forms = [name.replace("-", mark) for mark in _HEADER_SEPARATORS]
    forms += [f"{name}s", f"x-{name}", f"x-{name}s"]
    letters = range(len(name))
    forms += [name[:n] + name[n + 1 :] for n in letters]
    forms += [name[:n] + name[n] + name[n:] for n in letters]
    forms += [name[:n] + name[n : n + 2][::-1] + name[n + 2 :] for n in letters]
    return tuple(form for form in dict.fromkeys(forms) if form != name)
