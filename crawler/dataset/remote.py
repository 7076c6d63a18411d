"""Remote files by fsspec: copied to this machine once, one by one, and written back.

A dataset is read twice or thrice (digest, origins, samples), by DuckDB, Arrow and Python. So a
file is fetched whole, by one request that is streamed to a temporary folder, and read there.

Rules for editors: no DuckDB and no Arrow here, as in `files`. Whatever is shown, stored or raised
goes through `remote.shown_name` or `remote.reason`.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from crawler.dataset.detection import known_format
from crawler.dataset.files import (
    DatasetError,
    DatasetFile,
    belongs_to_dataset,
    digests,
    locate,
    without_notes,
)
from crawler.dataset.formats import DatasetFormat
from crawler.remote import (
    RemoteError,
    file_system,
    is_full,
    is_remote,
    reason,
    scheme_of,
    shown_name,
)

# Schemes of which one URL is one file: they list nothing, and `?` is no pattern.
_ONE_FILE = ("http", "https")


class _Object(NamedTuple):
    """A remote file: its file system and path there, its URL as shown, its size, its version."""

    system: Any
    path: str
    url: str
    size: int
    version: str


def _system(name: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it. Raise `DatasetError`."""
    try:
        return file_system(name)
    except RemoteError as error:
        raise DatasetError(f"{error}.") from error


@contextlib.contextmanager
def _remote_errors(url: str, what: str) -> Iterator[None]:
    """Raise whatever a file system raises as `DatasetError`, without credentials."""
    try:
        yield
    except DatasetError:
        raise
    except Exception as error:  # each library has errors of its own
        if is_full(error):
            raise DatasetError(f"{url} cannot be {what} (no space left); set TMPDIR.") from None
        raise DatasetError(f"{url} cannot be {what} ({reason(error)}).") from None


class LocalCopies:
    """The files of a dataset on this machine: those that are remote as copies.

    `paths` name them as `files.locate` takes them, `names` as they are shown. A copy exists from
    `fetch` to `release`.
    """

    def __init__(self, datasets: Sequence[str], folder: Path) -> None:
        self._folder = folder
        self._objects: dict[Path, _Object] = {}
        self.names = tuple(map(shown_name, datasets))
        self._folders = [f"{shown_name(name).rstrip('/')}/" for name in datasets]
        found = [self._listed(n, name) for n, name in enumerate(datasets)]
        self.paths = tuple(path for paths in found for path in paths)

    def _listed(self, n: int, name: str) -> list[str]:
        if not is_remote(name):
            return [name]
        objects = _objects(name)
        copies = {
            self._folder / str(n) / PurePosixPath(one.path.lstrip("/")): one for one in objects
        }
        self._objects |= copies
        return [str(copy) for copy in copies]

    @property
    def are_remote(self) -> bool:
        """Return whether any file is a copy."""
        return bool(self._objects)

    def locate(self) -> tuple[tuple[Path, ...], DatasetFormat]:
        """Return what `files.locate` does; the first remote file is fetched to tell the format."""
        if not self._objects:
            return locate(self.paths)
        first = next(iter(self._objects))
        self.fetch(first)
        local = [path for path in self.paths if Path(path) not in self._objects]
        files, form = locate([*local, str(first)])
        return (*files[:-1], *self._objects), form

    def check(self, path: Path, form: DatasetFormat) -> None:
        """Raise `DatasetError` if a fetched copy is not of the format of the dataset."""
        if path in self._objects and (found := locate([path])[1]) is not form:
            raise DatasetError(f"The files mix {form.name} and {found.name}; give one at a time.")

    def identify(self) -> tuple[DatasetFile, ...]:
        """Fetch all files; return them with their digests, under the names that are shown."""
        for path in self._objects:
            self.fetch(path)
        files, _ = locate(self.paths)
        return tuple(
            file._replace(path=self.name(path))
            for path, file in zip(files, digests(files), strict=True)
        )

    def name(self, path: Path) -> str:
        """Return the name of a file as it is shown: of a copy, the URL."""
        return self._objects[path].url if path in self._objects else str(path)

    def identity(self, path: Path) -> tuple[str, int, str | int]:
        """Return what changes when a file does: name, size, and time or version."""
        if path in self._objects:
            one = self._objects[path]
            return one.url, one.size, one.version
        facts = path.stat()
        return str(path.resolve()), facts.st_size, facts.st_mtime_ns

    def is_gone(self, name: str) -> bool:
        """Return whether a file with an `identity` is not there any more.

        Of remote files only those of a folder that was listed can be called gone.
        """
        if "://" not in name:
            return not Path(name).exists()
        known = {one.url for one in self._objects.values()}
        return name not in known and any(map(name.startswith, self._folders))

    def fetch(self, path: Path) -> None:
        """Make the copy of a remote file, unless it is there."""
        one = self._objects.get(path)
        if one is None or path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if one.size > free:
            raise DatasetError(
                f"{one.url} has {one.size:,} octets, and {self._folder.parent} has room for "
                f"{free:,}; set TMPDIR."
            )
        unfinished = path.with_name(f"{path.name}.part")
        with _remote_errors(one.url, "read"):
            one.system.get_file(one.path, str(unfinished))
            unfinished.rename(path)

    def release(self, path: Path) -> None:
        """Remove the copy of a remote file."""
        if path in self._objects:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Let the messages of errors name URLs in place of copies."""
        try:
            yield
        except DatasetError as error:
            text = str(error)
            for path, one in self._objects.items():
                text = text.replace(str(path), one.url)
            if text == str(error):
                raise
            raise type(error)(text) from error.__cause__


@contextlib.contextmanager
def local_copies(datasets: Iterable[str]) -> Iterator[LocalCopies]:
    """Give the files of a dataset on this machine; copies of remote ones are removed at the end.

    Raise `DatasetError`, with URLs for names.
    """
    given = tuple(datasets)
    with contextlib.ExitStack() as resources:
        folder = Path()
        if any(map(is_remote, given)):
            made = tempfile.TemporaryDirectory(prefix="tdm-audit-remote-")
            folder = Path(resources.enter_context(made))
        copies = LocalCopies(given, folder)
        resources.enter_context(copies.named_in_errors())
        yield copies


def _objects(name: str) -> list[_Object]:
    """Return the files that a URL names: one, those of a pattern, or those of a folder."""
    url, scheme = shown_name(name), scheme_of(name)
    system, path = _system(name)
    if scheme in _ONE_FILE:
        return [_Object(system, path, url, 0, "")]
    with _remote_errors(url, "listed"):
        # A listing that is kept would hide what changed since.
        system.invalidate_cache()
        is_pattern = any(sign in path for sign in "*?[")
        found = system.glob(path, detail=True) if is_pattern else system.find(path, detail=True)
        infos = [info for info in found.values() if info["type"] == "file"]
    if not infos:
        raise DatasetError(f"{url} does not exist or holds no file; check the URL.")
    if len(infos) > 1 or infos[0]["name"].strip("/") != path.strip("/"):
        infos = infos if is_pattern else _of_dataset(infos, path, url)
    objects = (_object(system, scheme, info) for info in infos)
    return sorted(objects, key=lambda one: one.path)


def _of_dataset(infos: list[dict[str, Any]], folder: str, url: str) -> list[dict[str, Any]]:
    """Return the files of a folder that belong to a dataset, by their names."""
    top = PurePosixPath(folder.strip("/"))
    named = {Path(info["name"].strip("/")).relative_to(top): info for info in infos}
    found = [path for path in named if known_format(path) and belongs_to_dataset(path)]
    if not found:
        raise DatasetError(f"{url} holds no file of a format that is read; name the files.")
    return [named[path] for path in without_notes(found)]


def _object(system: Any, scheme: str, info: dict[str, Any]) -> _Object:
    path = str(info["name"])
    version = info.get("ETag") or info.get("etag") or info.get("blob_id") or info.get("mtime")
    url = f"{scheme}://{path.lstrip('/')}"
    return _Object(system, path, shown_name(url), int(info.get("size") or 0), str(version or ""))


class Upload:
    """A remote place that files are written to from a local folder, one by one."""

    def __init__(self, url: str) -> None:
        self.url = shown_name(url)
        if scheme_of(url) in _ONE_FILE:
            raise DatasetError(f"{self.url} can only be read; name a place that can be written.")
        self._system, self._path = _system(url)

    def put(self, local: Path, name: str = "") -> None:
        """Write a file, under a name below the place or as the place itself."""
        with _remote_errors(self.url, "written"):
            self._system.put_file(str(local), self._at(name))

    def get(self, name: str, local: Path) -> None:
        """Copy a file that was written before, if there is one."""
        with _remote_errors(self.url, "read"), contextlib.suppress(FileNotFoundError):
            self._system.get_file(self._at(name), str(local))

    def remove(self, name: str) -> None:
        """Remove a file that was written before, if it is there."""
        with _remote_errors(self.url, "written"), contextlib.suppress(FileNotFoundError):
            self._system.rm_file(self._at(name))

    def size(self, name: str) -> int | None:
        """Return the size of a file that was written; None if there is none."""
        with _remote_errors(self.url, "read"), contextlib.suppress(FileNotFoundError):
            return int(self._system.info(self._at(name))["size"])
        return None

    def _at(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}" if name else self._path
