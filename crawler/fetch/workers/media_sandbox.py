"""A process of its own in which media files are opened, so that none can do harm.

What reads PDF and C2PA is native code given files by strangers: here it has so much memory and
so many seconds, and a crash ends this process only. It is started for the first file.
"""

import asyncio
import contextlib
import multiprocessing
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from crawler import media

#: Seconds for one file, and octets of memory for all that reading it takes.
SECONDS = 10.0
MEMORY = 1024**3


class MediaSandbox:
    """Gives the extracts of media files, one after the other. Nothing is raised."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        # One thread, so that questions wait for each other and not in the way of others.
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None

    async def extract(self, body: bytes, *, truncated: bool) -> bytes:
        """The extract of a file, or one that says why there is none."""
        ask = asyncio.get_running_loop().run_in_executor
        return await ask(self._thread, self._ask, body, truncated)

    def _ask(self, body: bytes, truncated: bool) -> bytes:
        try:
            line = self._line or self._open()
            line.send_bytes(bytes([truncated]) + body)
            if line.poll(self._seconds):
                return line.recv_bytes()
            why = f"reading it took more than {self._seconds:g} s"
        except (EOFError, OSError):
            why = "reading it ended the process that read it"
        self._end()
        return media.unread(why)

    def _open(self) -> Connection:
        # Spawned: a copy of this process would have its sockets and its database.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._line = ours
        return ours

    def _end(self) -> None:
        process, line, self._process, self._line = self._process, self._line, None, None
        if line is not None:
            line.close()
        if process is not None:
            process.kill()
            process.join()
            process.close()

    def close(self) -> None:
        """End the process; a file that is being read is given up."""
        if self._process is not None:
            self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        self._end()


def serve(line: Connection) -> None:
    """Answer each file with its extract until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    with contextlib.suppress(EOFError, OSError):
        while True:
            asked = line.recv_bytes()
            line.send_bytes(media.extract(asked[1:], truncated=bool(asked[0])))
