"""Storage of an audit in parts in an object store, by fsspec: S3 and what speaks as it, and GCS.

Rules for editors:

- All safety rests on a put that never replaces: `If-None-Match: *` for S3, and for GCS
  `ifGenerationMatch=0`. Some servers ignore such a condition, so each process tries it before it
  puts anything: it puts a file that is there once more, and that must be refused.
- An answer may be lost after the server has put a file, and a second try is refused then. What
  counts is what is there: if it is what was to be put, it is put.
- What a user reads goes through `remote.reason`: it has no credentials.
"""

import contextlib
import filecmp
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from crawler.remote import RemoteError, file_system, is_full, reason, scheme_of, shown_name
from crawler.store.database import exclusive_lock
from crawler.store.failures import (
    StorageDownError,
    StoreBusyError,
    StoreError,
    os_errors_as_store_error,
)
from crawler.store.part_scratch import scratch_folder

# Schemes whose file systems have a put that is refused by the server if the name is taken. The
# others of fsspec look first and put then, and another process may put in between.
_SCHEMES = ("s3", "s3a", "gs", "gcs")
_PROBE = "put-once.txt"
_PROBE_TEXT = b"tdm-audit puts this file again and again, to see that it is refused.\n"
# Octets of a request of an upload in several requests, which files of twice as many are put by;
# so many are in memory. S3 wants at least 5 MiB, and GCS a multiple of 256 KiB.
_CHUNK, _LEAST_CHUNK = 16 << 20, 5 << 20
# Small files that are read at the same time.
_AT_ONCE = 64
# Tries of a put while the server says that another one is under way, and the first pause.
_TRIES, _PAUSE_S = 6, 0.2
_REFUSED, _CONFLICT = 412, 409


class ObjectStorage:
    """A folder of an object store. Raise `StoreError` for a URL of another kind."""

    def __init__(self, url: str) -> None:
        self.shown = shown_name(url)
        scheme = scheme_of(url)
        if scheme not in _SCHEMES:
            raise StoreError(
                f"{self.shown} cannot hold an audit in parts: of remote places only s3:// and "
                "gs:// refuse to replace a file, which keeps two processes at one part apart"
            )
        try:
            self._system, root = file_system(url)
        except RemoteError as error:
            raise StoreError(str(error)) from error
        self._root = root.rstrip("/")
        self._is_probed = {False: False, True: False}

    def names(self, folder: str) -> list[str]:
        """Return the names of all files below a folder, sorted."""
        with self._errors(folder, "listed"):
            # A listing that is kept would hide what others have put since.
            self._system.invalidate_cache()
            found = self._system.find(self._at(folder))
        return sorted(path.removeprefix(f"{self._root}/") for path in found)

    def read(self, name: str) -> bytes | None:
        """Return the content of a small file; None if there is none."""
        with self._errors(name, "read"):
            try:
                return bytes(self._system.cat_file(self._at(name)))
            except FileNotFoundError:
                return None

    def read_all(self, names: Iterable[str]) -> Mapping[str, bytes]:
        """Return the contents of small files by name, without those that are not there.

        They are asked for side by side: an answer takes long, and an audit has thousands of them.
        """
        by_path = {self._at(name): name for name in names}
        found: dict[str, bytes] = {}
        if not by_path:
            return found
        with self._errors(next(iter(by_path.values())), "read"):
            answers = self._system.cat(list(by_path), on_error="return", batch_size=_AT_ONCE)
            for path, answer in answers.items():
                if isinstance(answer, bytes):
                    found[by_path[path]] = answer
                elif not isinstance(answer, FileNotFoundError):
                    raise answer
        return found

    def get(self, name: str, local: Path) -> None:
        """Copy a file to this machine."""
        with self._errors(name, "read"):
            self._system.get_file(self._at(name), str(local))

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Path]:
        """Give the path of a copy, which is removed at the end."""
        with scratch_folder() as scratch:
            copy = scratch / Path(name).name
            self.get(name, copy)
            yield copy

    def put_once(self, local: Path, name: str) -> bool:
        """Put a file; return False if another one of that name is there already."""
        is_in_chunks = local.stat().st_size >= 2 * _CHUNK
        self._probe(in_chunks=False)
        if is_in_chunks:
            self._probe(in_chunks=True)
        path = self._at(name)
        with self._errors(name, "written"):
            try:
                if self._create(
                    lambda: self._system.put_file(str(local), path, mode="create", chunksize=_CHUNK)
                ):
                    return True
            except FileNotFoundError:
                # An upload in chunks that the server has finished before is not known to it any
                # more; nor is a bucket that does not exist.
                if not self._holds(path, local):
                    raise
                return True
            return self._holds(path, local)

    def replace(self, name: str, content: bytes) -> None:
        """Put a small file in place of the one that is there."""
        with self._errors(name, "written"):
            self._system.pipe_file(self._at(name), content)

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Hold a lock of this machine: an object store has none, so others are not kept out."""
        key = hashlib.sha256(self._url(name).encode()).hexdigest()
        with contextlib.ExitStack() as locks:
            with contextlib.suppress(NotImplementedError):  # a file system without locks
                try:
                    locks.enter_context(exclusive_lock(_locks_folder() / key))
                except StoreBusyError:
                    raise StoreBusyError(
                        f"another run on this machine holds {self._url(name)}; wait for it to end"
                    ) from None
            yield

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _url(self, name: str) -> str:
        return f"{self.shown}/{name}"

    @contextlib.contextmanager
    def _errors(self, name: str, what: str) -> Iterator[None]:
        """Raise whatever a file system raises as `StoreError`, without credentials."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:  # each library has errors of its own
            begin = f"{self._url(name)} cannot be {what}"
            if is_full(error):
                raise StoreError(f"{begin} (no space left); set TMPDIR") from None
            begin += f" ({reason(error)})"
            if isinstance(error, FileNotFoundError):
                raise StoreError(f"{begin}; check the URL and the bucket") from None
            raise StorageDownError(
                f"{begin}; what was put before is kept, and the same command goes on from there"
            ) from None

    def _probe(self, *, in_chunks: bool) -> None:
        """Raise `StoreError` if the server replaces a file that must only be created."""
        if self._is_probed[in_chunks]:
            return
        path, content = self._at(_PROBE), _PROBE_TEXT
        if in_chunks:
            content = content.ljust(2 * _LEAST_CHUNK, b"\n")
        with self._errors(_PROBE, "written"):
            # The first one may be the first of all.
            is_created = all(
                self._create(
                    lambda: self._system.pipe_file(
                        path, content, mode="create", chunksize=_LEAST_CHUNK
                    )
                )
                for _ in range(2)
            )
        if is_created:
            how = " that comes in several requests" if in_chunks else ""
            raise StoreError(
                f"the server of {self.shown} replaces a file{how} though it was told not to "
                "(If-None-Match), so two processes could replace each other's work; use a server "
                "that heeds it, or a folder"
            )
        self._is_probed[in_chunks] = True

    def _create(self, put: Callable[[], Any]) -> bool:
        """Do a put that creates; return False if it is refused because the name is taken."""
        for attempt in range(_TRIES):
            try:
                put()
            except Exception as error:
                status = _http_status(error)
                if isinstance(error, FileExistsError) or status == _REFUSED:
                    return False
                if status != _CONFLICT or attempt == _TRIES - 1:
                    raise
                # Another put of this name is under way; when it has ended, this one is refused.
                time.sleep(_PAUSE_S * 2**attempt)
            else:
                return True
        return False

    def _holds(self, path: str, local: Path) -> bool:
        """Return whether the file there has the content of a local one."""
        self._system.invalidate_cache()
        try:
            if int(self._system.info(path)["size"]) != local.stat().st_size:
                return False
            with scratch_folder() as scratch:
                self._system.get_file(path, str(scratch / "copy"))
                return filecmp.cmp(scratch / "copy", local, shallow=False)
        except FileNotFoundError:
            return False


def _http_status(error: BaseException) -> int:
    """Return the status of the answer that s3fs made an error of; 0 if there is none."""
    response = getattr(error.__cause__, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _locks_folder() -> Path:
    """Return the folder of this user's locks in the system's temporary directory."""
    folder = Path(tempfile.gettempdir()) / f"tdm-audit-locks-{os.getuid()}"
    with os_errors_as_store_error(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StoreError(f"{folder} is no folder of this user; remove it, or set TMPDIR")
    return folder
