"""The process that opens media files: it answers, and what happens in it stays in it."""

import asyncio
import os
import signal
import time
import zlib

import pytest

from crawler import media
from crawler.fetch.workers import media_sandbox
from crawler.fetch.workers.media_sandbox import MediaSandbox
from tests.media_files import VOCABULARY, jpeg, pdf, plus

FILES = [jpeg(plus(f"{VOCABULARY}DMI-PROHIBITED")), pdf(plus("x")), b"", b"%PDF-1.4"]


@pytest.fixture
def room():
    opened = MediaSandbox()
    yield opened
    opened.close()


def extracts(room, *bodies, truncated=False):
    async def ask():
        asked = (room.extract(body, truncated=truncated) for body in bodies)
        return await asyncio.gather(*asked)

    return asyncio.run(ask())


def why(extract):
    return [fault.why for fault in media.read(extract).faults]


def test_it_answers_as_if_there_were_no_other_process(room):
    expected = [media.extract(body) for body in FILES]
    assert extracts(room, *FILES) == expected
    (cut,) = extracts(room, FILES[0], truncated=True)
    assert media.read(cut).truncated


def test_a_crash_is_a_fault_and_the_next_file_is_read(room):
    assert extracts(room, FILES[0]) == [media.extract(FILES[0])]
    os.kill(room._process.pid, signal.SIGKILL)
    room._process.join()
    assert why(extracts(room, FILES[0])[0]) == ["reading it ended the process that read it"]
    assert extracts(room, FILES[0]) == [media.extract(FILES[0])]


def test_what_takes_too_long_is_given_up():
    room = MediaSandbox(seconds=0.001)
    began = time.monotonic()
    assert why(extracts(room, FILES[0])[0]) == ["reading it took more than 0.001 s"]
    room.close()
    assert time.monotonic() - began < 10


def test_a_room_that_nobody_entered_is_closed_as_well():
    MediaSandbox().close()


class Line:
    """One end of a line: what was asked comes in, and answers are kept."""

    def __init__(self, *asked):
        self.asked = list(asked)
        self.answers = []

    def recv_bytes(self):
        if not self.asked:
            raise EOFError
        return self.asked.pop(0)

    def send_bytes(self, answer):
        self.answers.append(answer)


def test_the_process_ends_when_nobody_asks(monkeypatch):
    limits = []
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(media_sandbox.resource, "setrlimit", lambda *given: limits.append(given))
    line = Line(b"\1" + FILES[0])
    media_sandbox.serve(line)
    assert line.answers == [media.extract(FILES[0], truncated=True)]
    assert limits == [(media_sandbox.resource.RLIMIT_DATA, (media_sandbox.MEMORY,) * 2)]


def test_a_file_that_wants_too_much_memory_is_a_fault(room):
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
    (extract,) = extracts(room, head + first + table)
    found = media.read(extract)
    assert [fault.part for fault in found.faults] in (["pdf"], ["file"])
    assert extracts(room, FILES[0]) == [media.extract(FILES[0])]
