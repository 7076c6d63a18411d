"""Sandbox process for untrusted media files: limited memory and time, and crashes stay in it.

PDF and C2PA are read by native code, and the files come from strangers.

Rules for editors:

- The sandbox talks over a multiprocessing `Pipe`, not over the JSON lines of
  `crawler.subprocesses`. A message is a file of up to 16 MiB: a pipe sends it as one frame of raw
  octets. As a JSON line it would be base64, a third larger and held several times over, within
  the memory limit of the process that reads it.
- The other processes keep JSON lines: their messages are short, and they exit as soon as standard
  input closes, even while busy. The sandbox notices a closed pipe when it is done with its file.
"""

import asyncio
import contextlib
import multiprocessing
import resource
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from crawler import media

#: Seconds for one file.
FILE_TIMEOUT_S = 10.0
#: Octets of memory for the whole sandbox process.
MEMORY_LIMIT = 512 * 1024**2
#: Seconds that all files of an origin may take together; further ones are not opened.
ORIGIN_TIMEOUT_S = 20.0


class FairQueue:
    """Turns at something that one may use at a time, those first who have used it least.

    `used` has the seconds by owner.
    """

    def __init__(self) -> None:
        self.used: defaultdict[str, float] = defaultdict(float)
        self._is_taken = False
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """Wait for a turn, and count the time until the block ends."""
        await self._begin(owner)
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            yield
        finally:
            self.used[owner] += loop.time() - started
            self._end()

    async def _begin(self, owner: str) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        waiting = owner, asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting[1]
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:  # the turn came in the moment of the cancellation
                self._end()
            raise

    def _end(self) -> None:
        """Give the turn to the owner who has used least, and of several waited longest."""
        self._is_taken = bool(self._waiting)
        if self._waiting:
            waiting = min(self._waiting, key=lambda waiting: self.used[waiting[0]])
            self._waiting.remove(waiting)
            waiting[1].set_result(None)


class MediaSandbox:
    """Extract metadata of media files in a child process, one file after the other.

    The process is started for the first file, and again after a crash or a timeout.
    `timeout` is the seconds for one file, `origin_timeout` for all files of an origin.
    """

    def __init__(
        self, timeout: float = FILE_TIMEOUT_S, origin_timeout: float = ORIGIN_TIMEOUT_S
    ) -> None:
        self._timeout, self._origin_timeout = timeout, origin_timeout
        self._queue = FairQueue()
        # A thread, so that the event loop does not wait for the process.
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    async def extract(self, body: bytes, *, truncated: bool, origin: str = "") -> bytes:
        """Return the extract of a file, or one that says why it could not be read.

        `truncated` says that the file was cut at the cap. Files of origins that have taken least
        time are read first. Raises nothing.
        """
        async with self._queue.turn(origin):
            if self._queue.used[origin] >= self._origin_timeout:
                return media.failed_extract(
                    f"reading files of its origin took more than {self._origin_timeout:g} s"
                )
            run_in_thread = asyncio.get_running_loop().run_in_executor
            return await run_in_thread(self._thread, self._extract, body, truncated)

    def _extract(self, body: bytes, truncated: bool) -> bytes:
        try:
            pipe = self._pipe or self._start()
            pipe.send_bytes(bytes([truncated]) + body)
            if pipe.poll(self._timeout):
                return pipe.recv_bytes()
            why = f"reading it took more than {self._timeout:g} s"
        except (EOFError, OSError):
            why = "reading it ended the process that read it"
        self._end()
        return media.failed_extract(why)

    def _start(self) -> Connection:
        # Spawned, not forked: a fork would have the sockets and the database of this process.
        context = multiprocessing.get_context("spawn")
        pipe, child_pipe = context.Pipe()
        # A daemon is killed when this process exits; if this process is killed, `serve` ends
        # with the pipe.
        self._process = context.Process(target=serve, args=(child_pipe,), daemon=True)
        self._process.start()
        child_pipe.close()
        self._pipe = pipe
        return pipe

    def _end(self) -> None:
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()

    def close(self) -> None:
        """End the process. A file that is being read is given up."""
        # Killed first: the thread waits for its answer, and `shutdown` waits for the thread.
        if self._process is not None:
            self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        self._end()


def serve(pipe: Connection) -> None:
    """Answer each file with its extract until the pipe is closed; runs in the child process.

    A message is one octet (1 if the file was truncated) and the file.
    """
    # Ctrl-C reaches the whole process group; the crawl decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):  # a lower limit is set already
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT, MEMORY_LIMIT))
    with contextlib.suppress(EOFError, OSError):
        while True:
            message = pipe.recv_bytes()
            pipe.send_bytes(media.extract(message[1:], truncated=bool(message[0])))
