"""The media sandbox answers, and a crash, a timeout or a lack of memory stays in it."""

import asyncio
import multiprocessing
import os
import signal
import zlib

import pytest

from crawler import media
from crawler.fetch.workers import media_sandbox
from crawler.fetch.workers.media_sandbox import MediaSandbox
from tests.media_files import VOCABULARY, jpeg, pdf, plus

FILES = [jpeg(plus(f"{VOCABULARY}DMI-PROHIBITED")), pdf(plus("x")), b"", b"%PDF-1.4"]


@pytest.fixture
def sandbox():
    opened = MediaSandbox()
    yield opened
    opened.close()


def extracts(sandbox, *bodies, truncated=False):
    async def ask():
        asked = (sandbox.extract(body, truncated=truncated) for body in bodies)
        return await asyncio.gather(*asked)

    return asyncio.run(ask())


def why(extract):
    return [fault.why for fault in media.read(extract).faults]


def test_it_answers_as_if_there_were_no_other_process(sandbox):
    expected = [media.extract(body) for body in FILES]
    assert extracts(sandbox, *FILES) == expected
    (cut,) = extracts(sandbox, FILES[0], truncated=True)
    assert media.read(cut).truncated


def test_a_crash_is_a_fault_and_the_next_file_is_read(sandbox):
    assert extracts(sandbox, FILES[0]) == [media.extract(FILES[0])]
    (process,) = multiprocessing.active_children()
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert why(extracts(sandbox, FILES[0])[0]) == ["reading it ended the process that read it"]
    assert extracts(sandbox, FILES[0]) == [media.extract(FILES[0])]


def test_what_takes_too_long_is_given_up():
    sandbox = MediaSandbox(timeout=0.001)
    assert why(extracts(sandbox, FILES[0])[0]) == ["reading it took more than 0.001 s"]
    assert multiprocessing.active_children() == []
    sandbox.close()


def test_a_sandbox_that_was_used_leaves_no_process(sandbox):
    extracts(sandbox, FILES[0])
    assert len(multiprocessing.active_children()) == 1
    sandbox.close()
    assert multiprocessing.active_children() == []


def test_a_sandbox_that_was_never_used_starts_no_process_and_can_be_closed():
    sandbox = MediaSandbox()
    assert multiprocessing.active_children() == []
    sandbox.close()
    assert multiprocessing.active_children() == []
    with pytest.raises(RuntimeError, match="after shutdown"):
        extracts(sandbox, FILES[0])


class Pipe:
    """One end of a pipe: gives the messages, and keeps the answers."""

    def __init__(self, *messages):
        self.messages = list(messages)
        self.answers = []

    def recv_bytes(self):
        if not self.messages:
            raise EOFError
        return self.messages.pop(0)

    def send_bytes(self, answer):
        self.answers.append(answer)


def test_the_process_ends_when_the_pipe_is_closed(monkeypatch):
    limits = []
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(media_sandbox.resource, "setrlimit", lambda *given: limits.append(given))
    pipe = Pipe(b"\1" + FILES[0])
    media_sandbox.serve(pipe)
    assert pipe.answers == [media.extract(FILES[0], truncated=True)]
    assert limits == [(media_sandbox.resource.RLIMIT_DATA, (media_sandbox.MEMORY_LIMIT,) * 2)]


def test_a_file_that_wants_too_much_memory_is_a_fault(sandbox):
    """An object stream of more zeros than there may be memory, in a file of a few megabytes."""
    zeros = zlib.compressobj(1, zlib.DEFLATED, -15)
    block = zeros.compress(bytes(1 << 24)) + zeros.flush(zlib.Z_FULL_FLUSH)
    zeros = b"\x78\x01" + block * 80 + zlib.compress(b"")[2:]
    stream = (
        b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n" % len(zeros)
        + zeros
        + b"\nendstream"
    )
    rows = b"".join(
        bytes([kind]) + at.to_bytes(4) + bytes([last])
        for kind, at, last in [(0, 0, 0), (2, 3, 0), (1, 0, 0), (1, 9, 0)]
    )
    head = b"%PDF-1.5\n"
    first = b"3 0 obj\n" + stream + b"\nendobj\n"
    start = len(head + first)
    table = (
        b"2 0 obj\n<< /Type /XRef /Size 4 /W [1 4 1] /Root 1 0 R /Length %d >>\nstream\n"
        % len(rows)
        + rows
        + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    )
    (extract,) = extracts(sandbox, head + first + table)
    found = media.read(extract)
    assert [fault.part for fault in found.faults] in (["pdf"], ["file"])
    assert extracts(sandbox, FILES[0]) == [media.extract(FILES[0])]
