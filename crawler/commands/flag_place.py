"""The place that flagged files are written to: a path, or a URL."""

import contextlib
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from crawler.commands.flag_manifest import MANIFEST, FlagManifest
from crawler.dataset.remote import LocalCopies, Upload
from crawler.folders import remove_empty


class FlagPlace:
    """A place for flagged files: a path, or a URL that a local path is copied to."""

    def __init__(self, out: Path, upload: Upload | None = None) -> None:
        self.out, self._upload = out, upload

    def has_manifest(self, jobs: Collection[Path]) -> bool:
        """Return whether files are written to a folder."""
        return set(jobs) != {self.out}

    def manifest(self, facts: str, copies: LocalCopies) -> FlagManifest:
        """Return the list of the finished files of a folder."""
        if self._upload:
            self.out.mkdir()
            self._upload.get(MANIFEST, self.out / MANIFEST)
        return FlagManifest(self.out, facts, copies.identity, self._size)

    def _size(self, out: Path) -> int | None:
        if not self._upload or out.exists():
            return out.stat().st_size
        return self._upload.size(self._name(out))

    def _name(self, out: Path) -> str:
        return "" if out == self.out else str(out.relative_to(self.out))

    def shown(self, out: Path) -> str:
        """Return the name of a file that is written: its path or URL."""
        if not self._upload:
            return str(out)
        return "/".join(filter(None, (self._upload.url.rstrip("/"), self._name(out))))

    def remove(self, files: Collection[Path], manifest: FlagManifest) -> list[Path]:
        """Remove files of a folder, with folders that are empty then; return those removed."""
        if not files:
            return []
        for out in files:
            if self._upload:
                self._upload.remove(self._name(out))
            else:
                out.unlink()
        if not self._upload:
            remove_empty({f for out in files for f in out.parents if f.is_relative_to(self.out)})
        manifest.forget(files)
        self._put_manifest()
        return list(files)

    def _put_manifest(self) -> None:
        if self._upload and (self.out / MANIFEST).exists():
            self._upload.put(self.out / MANIFEST, MANIFEST)

    def identity(self, out: Path) -> str:
        """Return the name of a file by which it can be told from files of the dataset."""
        return self.shown(out) if self._upload else str(out.resolve())

    def finish(self, out: Path) -> None:
        """Copy a file that was written to the remote place, and the list of files behind it."""
        if self._upload is None:
            return
        self._upload.put(out, self._name(out))
        out.unlink()
        self._put_manifest()


@contextlib.contextmanager
def destination(out: Path, remote: str) -> Iterator[FlagPlace]:
    """Give the place that is written to: a path, or a URL, for which a local path stands.

    Raise `DatasetError`.
    """
    if not remote:
        yield FlagPlace(out)
        return
    upload = Upload(remote)
    with tempfile.TemporaryDirectory(prefix="tdm-audit-out-") as folder:
        yield FlagPlace(Path(folder) / out.name, upload)
