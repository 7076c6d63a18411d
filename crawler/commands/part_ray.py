"""Work on many parts of an audit as tasks of Ray, on this machine or on a cluster.

A task calls the function that a process of the pool calls; `part_engine` says what is done about
failures, so Ray itself tries nothing again. A cluster needs this package on all machines, and the
folder at one place for all of them.
"""

import os
import socket
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crawler.commands.crawl_request import ProgressListener
from crawler.commands.part_engine import MAX_ORIGINS, PartEngine, PartPoolError, PoolResult
from crawler.commands.part_task import PartTask, task_as_json
from crawler.commands.part_worker import message_of_attempt
from crawler.interrupts import StoppedEarlyError, exit_on_signal
from crawler.remote import is_remote
from crawler.store.audit_folder import AuditFolder
from crawler.subprocesses import cores

#: Seconds without any node that can take a task, after which there is no hope for one.
NO_NODES_S = 60.0
# Starts of a local Ray that are tried: on a machine that is loaded it may take longer than the 30
# seconds that Ray waits.
_STARTS = 3
# Seconds in which the head of a cluster must accept a connection.
_ANSWER_S = 20.0
# Seconds between two looks at the nodes.
_LOOK_S = 1.0
_OBJECT_STORE = 80 << 20  # Messages are small; this is about the least that Ray takes.
_ENVIRONMENT = {
    # An agent of a node may be slow to start, and Ray then ends the node after 30 seconds.
    "RAY_agent_register_timeout_ms": "300000",
    # No statistics are sent to anybody.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class RayCluster:
    """A Ray that this process is connected to; `shown` is its address, or says that it is local."""

    def __init__(self, ray: Any, shown: str) -> None:
        self._ray, self.shown = ray, shown

    def cores(self) -> int:
        """Return the number of cores of all nodes that are alive; 0 if there is no node."""
        return int(sum(node["Resources"].get("CPU", 0) for node in self._nodes()))

    def _nodes(self) -> list[dict[str, Any]]:
        with self._errors_of_connection():
            return [node for node in self._ray.nodes() if node["Alive"]]

    @contextmanager
    def _errors_of_connection(self) -> Iterator[None]:
        try:
            yield
        except (ConnectionError, self._ray.exceptions.RaySystemError) as error:
            raise PartPoolError(
                f"the connection to {self.shown} is lost ({_reason(error)}); what was put is "
                "kept: run the same command again"
            ) from error

    def work_on_parts(
        self,
        folder: AuditFolder,
        parts: Sequence[int],
        task: PartTask,
        workers: int,
        listener: ProgressListener | None = None,
        no_nodes_after: float = NO_NODES_S,
    ) -> PoolResult:
        """Do the work on parts in up to `workers` tasks at the same time. Raise `PartPoolError`."""
        engine = _Tasks(self, self._ray, folder, parts, task, workers, listener, no_nodes_after)
        with self._errors_of_connection():
            return engine.run()


@contextmanager
def ray_cluster(address: str, workers: int | None = None) -> Iterator[RayCluster]:
    """Connect to the Ray at an address for the block; an empty one is `RAY_ADDRESS`.

    If that is not set either, start Ray on this machine for `workers` tasks at the same time (None:
    one a core), and stop it at the end. Raise `PartPoolError` and `StoppedEarlyError`.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise PartPoolError(
            "--on ray needs Ray, which is not installed: pip install 'tdm-audit[ray]'"
        ) from error
    address = address or os.environ.get("RAY_ADDRESS", "local")
    shown = "the Ray of this machine" if address == "local" else f"the Ray at {address}"
    # Ray prints of each process that is killed; here, parts and their failures are named.
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        try:
            _start_or_join(ray, address, workers or cores())
            yield RayCluster(ray, shown)
        finally:
            ray.shutdown()


def _start_or_join(ray: Any, address: str, workers: int) -> None:
    own: dict[str, Any] = {"num_cpus": workers, "object_store_memory": _OBJECT_STORE}
    own = own | {"include_dashboard": False} if address == "local" else {}
    _require_answer(address)
    starts = _STARTS if own else 1
    for start in range(1, starts + 1):
        try:
            with exit_on_signal():
                _connect(ray, address, own)
                return
        except StoppedEarlyError:
            raise
        # Ray raises whatever went wrong in it, down to `Exception` itself.
        except Exception as error:
            ray.shutdown()
            if start == starts:
                what = f"no Ray answers at {address}" if not own else "Ray does not start here"
                raise PartPoolError(f"{what} ({_reason(error)})") from error


def _require_answer(address: str) -> None:
    """Raise `PartPoolError` if nothing listens at an address with a port: Ray waits for minutes."""
    place = urlsplit(f"//{address.removeprefix('ray://')}")
    try:
        if place.hostname and place.port:
            socket.create_connection((place.hostname, place.port), _ANSWER_S).close()
    except (OSError, ValueError) as error:
        raise PartPoolError(f"no Ray answers at {address} ({_reason(error)})") from error


def _connect(ray: Any, address: str, own: dict[str, Any]) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(address, logging_level="CRITICAL", log_to_driver=False, **own)
    except SystemExit as error:  # Ray's own handler of SIGTERM
        raise StoppedEarlyError(
            "stopped early by a signal; run the same command again to continue"
        ) from error


class _Tasks(PartEngine):
    """The tasks of Ray that are under way, and when a node was seen last."""

    is_one_machine = False

    def __init__(
        self,
        cluster: RayCluster,
        ray: Any,
        folder: AuditFolder,
        parts: Sequence[int],
        task: PartTask,
        workers: int,
        listener: ProgressListener | None,
        no_nodes_after: float,
    ) -> None:
        super().__init__(folder, parts, task, listener)
        self._cluster, self._ray, self._max_workers = cluster, ray, workers
        place = folder.shown if is_remote(folder.shown) else str(Path(folder.shown).absolute())
        self._place, self._values = place, task_as_json(self._task)
        # A process is given up after some calls, so that memory it leaks is returned.
        calls = {"max_calls": _calls(folder), "max_retries": 0, "num_cpus": 1}
        self._attempt = ray.remote(**calls)(message_of_attempt)
        self._parts: dict[Any, int] = {}
        self._no_nodes_after, self._node_seen = no_nodes_after, time.monotonic()
        self._looked_at = 0.0

    def _start_work(self) -> None:
        while len(self._parts) < self._max_workers and (part := self._take()) is not None:
            self._parts[self._attempt.remote(self._place, part, self._values)] = part

    def _is_busy(self) -> bool:
        return bool(self._parts)

    def _read(self, seconds: float) -> None:
        if not self._parts:
            time.sleep(seconds)
            return
        for ended in self._ray.wait(list(self._parts), timeout=seconds)[0]:
            self._read_result(ended, self._parts.pop(ended))
        self._look_for_nodes()

    def _read_result(self, ended: Any, part: int) -> None:
        errors = self._ray.exceptions
        try:
            self._note(part, self._ray.get(ended))
        except errors.TaskCancelledError:
            pass  # it had not begun
        except errors.RayTaskError as error:
            if isinstance(error.cause, ImportError):
                why = f"a machine of {self._cluster.shown} lacks this tdm-audit: {error.cause}"
                self._fail(PartPoolError(f"{why}; install the same version on all"))
            self._note_lost(part, f"its task failed with {_reason(error.cause or error)}")
        except errors.RayError as error:
            self._note_lost(part, f"its process or machine was lost: {_reason(error)}")

    def _look_for_nodes(self) -> None:
        """Stop with an error if there was no node for too long: tasks would wait for ever."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_S:
            return
        self._looked_at = now
        if self._cluster.cores():
            self._node_seen = now
        elif now - self._node_seen > self._no_nodes_after:
            self._fail(
                PartPoolError(
                    f"{self._cluster.shown} has had no node with a processor for "
                    f"{self._no_nodes_after:.0f} seconds; what was put is kept: run the same "
                    "command again when there are some"
                ),
                seconds=0,
            )

    def _ask_to_stop(self) -> None:
        # As Ctrl-C in the main thread of the task, which handles that as any command does.
        self._cancel(force=False)

    def _kill(self) -> None:
        self._cancel(force=True)
        self._parts.clear()

    def _cancel(self, *, force: bool) -> None:
        for running in self._parts:
            with suppress(self._ray.exceptions.RayError):
                self._ray.cancel(running, force=force)


def _calls(folder: AuditFolder) -> int:
    """Return how many parts a process may do, by the mean number of their origins."""
    plan = folder.plan()
    origins: int = sum(dataset["origins"] for dataset in plan.facts.get("dataset", ()))
    return max(1, MAX_ORIGINS * plan.parts // max(1, origins))


def _reason(error: BaseException) -> str:
    """Return the first line of what an error says."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:")
