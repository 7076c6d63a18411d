"""The media sandbox answers, and a crash, a timeout or a lack of memory stays in it."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import zlib

import pytest

from crawler import media
from crawler.fetch import media_sandbox
from crawler.fetch.media_sandbox import FairQueue, MediaSandbox
from tests.conftest import ROOT, patience
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


def turns(jobs):
    """Take the turns of owners, who ask at once; return the order in which they came."""

    async def take():
        queue, order = FairQueue(), []

        async def use(owner, seconds):
            async with queue.turn(owner):
                order.append(owner)
                queue.used[owner] += seconds

        async def ask():
            async with queue.turn("first"):
                tasks = [asyncio.create_task(use(*job)) for job in jobs]
                await asyncio.sleep(0)
            return tasks

        await asyncio.gather(*await ask())
        return order

    return asyncio.run(take())


def test_the_files_of_one_origin_delay_no_other_twice():
    slow = [("slow", 10.0)] * 20
    honest = [(f"honest {n}", 0.01) for n in range(5)] * 2
    order = turns(slow + honest)
    assert order[0] == "slow"
    assert set(order[1:11]) == {f"honest {n}" for n in range(5)}
    assert order[11:] == ["slow"] * 19


def test_a_turn_that_is_given_up_is_the_next_ones():
    async def take():
        queue, order = FairQueue(), []

        async def use(owner):
            async with queue.turn(owner):
                order.append(owner)

        async with queue.turn("a"):
            tasks = [asyncio.create_task(use(owner)) for owner in "bcd"]
            await asyncio.sleep(0)
            tasks[1].cancel()
            await asyncio.sleep(0)
        tasks[0].cancel()  # its turn has come already
        await asyncio.gather(*tasks, return_exceptions=True)
        async with queue.turn("e"):
            order.append("e")
        return order

    assert asyncio.run(take()) == ["d", "e"]


def test_an_origin_whose_files_take_too_long_is_read_no_more():
    sandbox = MediaSandbox(timeout=0.001, origin_timeout=0.001)

    async def ask():
        return [
            await sandbox.extract(FILES[0], truncated=False, origin=origin)
            for origin in ("slow", "slow", "other")
        ]

    slow, no_more, other = asyncio.run(ask())
    sandbox.close()
    assert why(slow) == why(other) == ["reading it took more than 0.001 s"]
    assert why(no_more) == ["reading files of its origin took more than 0.001 s"]


def table_of(entries):
    """Return a PDF of a few kilobytes whose table of objects has very many entries."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"]
    body, rows = b"%PDF-1.5\n", b"\0\0\0\0"
    for number, content in enumerate(objects, start=1):
        rows += b"\1" + len(body).to_bytes(2) + b"\0"
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    packer, first = zlib.compressobj(9), rows + b"\1" + len(body).to_bytes(2) + b"\0"
    packed = packer.compress(first)
    for _ in range(entries >> 16):
        packed += packer.compress(b"\1\0\x0a\0" * (1 << 16))
    packed += packer.flush()
    size = len(first) // 4 + (entries >> 16 << 16)
    return (
        body + b"3 0 obj\n<< /Type /XRef /Size %d /W [1 2 1] /Root 1 0 R /Filter /FlateDecode "
        b"/Length %d >>\nstream\n"
        % (size, len(packed))
        + packed
        + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(body)
    )


PEAK = """
import resource, sys
from crawler import media
media.extract(b"%PDF-1.4")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
media.extract(sys.stdin.buffer.read())
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_huge_table_of_objects_takes_little_memory():
    """120 MB of table; qpdf keeps what it decodes as often as it copies it."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK], input=table_of(30_000_000), cwd=ROOT, capture_output=True,
        check=True, timeout=patience(30),
    )  # fmt: skip
    assert int(done.stdout) < 80
