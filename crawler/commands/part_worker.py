"""Worker process of a pool: do the work on the parts that it is assigned, one after the other.

Lines of JSON come on standard input: first the folder and the task, then numbers of parts, at last
null. Lines of JSON go out on standard output for each part: `{"done": ...}`, or
`{"failed": "one sentence", ...}`.
"""

from dataclasses import asdict

from crawler import subprocesses
from crawler.commands.part import ENDS_ALL, PartResult, attempt_part
from crawler.commands.part_task import task_from_json
from crawler.errors import UserError
from crawler.interrupts import StoppedEarlyError
from crawler.store.audit_folder import AuditFolder
from crawler.store.parts import storage_at


def main() -> None:
    """Work until there are no more parts."""
    channel = subprocesses.ParentChannel()
    setup = channel.receive()
    folder, task = AuditFolder(storage_at(setup["folder"])), task_from_json(setup["task"])
    while (part := channel.receive()) is not None:
        try:
            result: PartResult = attempt_part(folder, part, task)
        except StoppedEarlyError:
            channel.send({"stopped": part})
        except UserError as error:
            ends_all = isinstance(error, ENDS_ALL)
            channel.send({"failed": str(error), "status": error.status, "ends_all": ends_all})
        else:
            channel.send({"done": asdict(result)})
