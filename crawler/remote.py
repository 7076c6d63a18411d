"""Remote files by fsspec: their names, their file systems, and why one failed.

Rules for editors: fsspec is imported when a name needs it. Credentials come from the environment of
its libraries, or are part of a URL: whatever is shown, stored or raised goes through `shown_name`
or `reason`.
"""

import errno
import re
from typing import Any

from crawler.errors import UserError

_REMOTE = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
# A URL in a message: scheme, who asks, place, and what follows the place (of web addresses, where
# it may be a signature; elsewhere `?` may be a pattern).
_URL = re.compile(
    r"(?i)(https?://)(?:[^\s/?#'\"]*@)?([^\s?#'\")>]*)(?:[?#][^\s'\")>]*)?"
    r"|([a-z][a-z0-9+.-]+://)[^\s/'\"]*@"
)
_INSTALL = "install them with: .venv/bin/pip install -e '.[remote]'"
# One request for each object: parts that are fetched at the same time overlap with the first, and
# are all in memory.
_SETTINGS: dict[str, dict[str, Any]] = {"s3": {"max_concurrency": 1}, "s3a": {"max_concurrency": 1}}


class RemoteError(UserError):
    """There is no file system for a URL."""


def is_remote(name: str) -> bool:
    """Return whether a name is a URL of a file and not a path."""
    return bool(_REMOTE.match(name))


def scheme_of(name: str) -> str:
    """Return the scheme of a URL in lower case."""
    return name.partition("://")[0].lower()


def shown_name(name: str) -> str:
    """Return a name without credentials: of a URL, neither user and password nor the query."""
    return _without_credentials(name) if is_remote(name) else name


def _without_credentials(text: str) -> str:
    return _URL.sub(r"\1\2\3", text)


def file_system(name: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it. Raise `RemoteError`."""
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(name, **_SETTINGS.get(scheme_of(name), {}))
        return system, str(path)
    except ImportError as error:
        raise RemoteError(
            f"{shown_name(name)} needs packages that are not there; {_INSTALL}"
        ) from error
    except ValueError as error:
        raise RemoteError(f"{shown_name(name)} is of no known kind ({reason(error)})") from error


def reason(error: BaseException) -> str:
    """Return what an error of a file system says, in one line without credentials."""
    lines = _without_credentials(str(error)).splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")


def is_full(error: BaseException) -> bool:
    """Return whether there is no space left on this machine."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, OSError) and error.errno in full
