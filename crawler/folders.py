"""Folders that a command makes for its files, and that must not stay behind when it fails."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def new_folders_removed_on_error(files: Iterable[Path]) -> Iterator[None]:
    """Remove the folders of files that the block made and that hold nothing, if it raises."""
    new = {folder for file in files for folder in file.parents if not folder.exists()}
    try:
        yield
    except BaseException:
        remove_empty(new)
        raise


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of folders that are there and hold nothing, the innermost first."""
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):  # it holds something, or is not there
            folder.rmdir()
