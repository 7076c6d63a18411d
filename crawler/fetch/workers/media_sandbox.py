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
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from crawler import media

#: Seconds for one file.
FILE_TIMEOUT_S = 10.0
#: Octets of memory for the whole sandbox process.
MEMORY_LIMIT = 1024**3


class MediaSandbox:
    """Extract metadata of media files in a child process, one file after the other.

    The process is started for the first file, and again after a crash or a timeout.
    `timeout` is the seconds for one file.
    """

    def __init__(self, timeout: float = FILE_TIMEOUT_S) -> None:
        self._timeout = timeout
        # One thread: files queue for the process, and the event loop does not wait for it.
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    async def extract(self, body: bytes, *, truncated: bool) -> bytes:
        """Return the extract of a file, or one that says why it could not be read.

        `truncated` says that the file was cut at the cap. Raises nothing.
        """
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
