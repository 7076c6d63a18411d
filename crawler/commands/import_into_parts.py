"""`import` into an audit in parts: each row of a list goes to the part of its domain's site.

A part that gets rows gets one generation more, and those that get none stay as they are. A part
knows a list that it has, so after a signal or a fault the same command goes on, and no row is
stored twice.
"""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from crawler.commands.import_parties import Imported, PartyLists, read_lists, store_lists
from crawler.commands.part import copied_part, put_next
from crawler.interrupts import StoppedEarlyError, handle_signals
from crawler.store.audit_folder import AuditFolder
from crawler.store.database import connect, sqlite_errors_as_store_error
from crawler.store.part_plan import PartPlan
from crawler.store.party_lists import ListedParty
from crawler.urls import canonical

_Added = Mapping[tuple[str, str], int]


def import_into_parts(
    folder: AuditFolder, file: Path, publisher: str = "", version: str = ""
) -> Imported:
    """Store the lists in a file, as `import_parties` does.

    Raise what that does, and `StoppedEarlyError` at a signal.
    """
    plan, found = folder.plan(), read_lists(file, publisher, version)
    folder.require_all(plan.parts)
    total: dict[tuple[str, str], int] = defaultdict(int)
    origins, warnings = 0, list[str]()
    for part, own in sorted(_by_part(plan, found).items()):
        added, named, warned = _import_into_part(folder, part, own)
        warnings += (f"part {part}: {warning}" for warning in warned)
        for source, rows in added.items():
            total[source] += rows
        origins += named
    return found.imported(total, origins)._replace(warnings=tuple(warnings))


def _by_part(plan: PartPlan, found: PartyLists) -> Mapping[int, PartyLists]:
    """Return what each part gets of the lists."""
    parts: dict[int, dict[tuple[str, str], list[ListedParty]]] = defaultdict(dict)
    for source, entries in found.lists.items():
        for entry in entries:
            part = plan.part_of(canonical.site_of(entry.domain))
            parts[part].setdefault(source, []).append(entry)
    return {part: found._replace(lists=lists) for part, lists in parts.items()}


def _import_into_part(
    folder: AuditFolder, part: int, own: PartyLists
) -> tuple[_Added, int, tuple[str, ...]]:
    """Store lists in a part; return what `store_lists` does, and warnings."""
    is_stopped = False

    def stop() -> None:
        nonlocal is_stopped
        is_stopped = True

    while True:
        with copied_part(folder, part) as copy:
            with sqlite_errors_as_store_error(copy.path), closing(connect(copy.path)) as db:
                added, origins = store_lists(db, own)
            if not added:
                return added, origins, ()
            # What is judged stays so: lists change no answer.
            about, code = {"kind": "import"}, folder.facts(copy.newest).code
            with handle_signals(stop):
                put = put_next(folder, copy, code=code, about=about)
        if is_stopped:
            message = "stopped early by a signal; run the same command again to continue"
            raise StoppedEarlyError(message)
        # Otherwise another process has put this generation meanwhile, and the next one is due.
        if put.is_put:
            return added, origins, put.warnings
