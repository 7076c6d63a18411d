"""Bodies are read up to a cap, and content codings undone within it."""

import asyncio
import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.fetch.http.body import Body, read
from crawler.fetch.http.outcomes import BrokenAnswerError

PLAIN = b"User-agent: *\n" * 20
RAW_DEFLATE = zlib.compressobj(wbits=-15)
RAW = RAW_DEFLATE.compress(PLAIN) + RAW_DEFLATE.flush()
CAP = 1000


def got(data, coding, cap=CAP, step=7):
    taken = 0

    async def chunks():
        nonlocal taken
        for at in range(0, len(data), step):
            taken += step
            yield data[at : at + step]

    return asyncio.run(read(chunks(), coding, cap)), taken


@pytest.mark.parametrize(
    ("data", "coding", "expected"),
    [
        pytest.param(b"", "", Body(b"", False), id="nothing"),
        pytest.param(PLAIN, "", Body(PLAIN, False), id="plain"),
        pytest.param(PLAIN, "identity", Body(PLAIN, False), id="identity"),
        pytest.param(b"x" * CAP, "", Body(b"x" * CAP, False), id="exactly the cap"),
        pytest.param(b"x" * (CAP + 1), "", Body(b"x" * CAP, True), id="one more"),
        pytest.param(gzip.compress(PLAIN), "gzip", Body(PLAIN, False), id="gzip"),
        pytest.param(gzip.compress(PLAIN), " X-GZIP", Body(PLAIN, False), id="x-gzip"),
        pytest.param(b"", "gzip", Body(b"", False), id="empty with a coding"),
        pytest.param(
            gzip.compress(PLAIN) + gzip.compress(b"more"),
            "gzip",
            Body(PLAIN + b"more", False),
            id="two gzip members",
        ),
        pytest.param(
            gzip.compress(PLAIN) + b"\0" * 9, "gzip", Body(PLAIN, False), id="gzip with padding"
        ),
        pytest.param(zlib.compress(PLAIN), "deflate", Body(PLAIN, False), id="deflate"),
        pytest.param(RAW, "deflate", Body(PLAIN, False), id="deflate without its wrapper"),
        pytest.param(
            gzip.compress(b"x" * CAP), "gzip", Body(b"x" * CAP, False), id="gzip of the cap"
        ),
        pytest.param(
            gzip.compress(b"x" * 10**6), "gzip", Body(b"x" * CAP, True), id="gzip beyond the cap"
        ),
        pytest.param(
            PLAIN, "gzip", Body(PLAIN, False, "said gzip and is not"), id="plain called gzip"
        ),
        pytest.param(
            PLAIN, "UTF-8", Body(PLAIN, False, "Content-Encoding utf-8 is no coding"), id="charset"
        ),
        pytest.param(
            gzip.compress(PLAIN), "identity, gzip,", Body(PLAIN, False), id="identity and gzip"
        ),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 5000])
def test_read(data, coding, expected, step):
    assert got(data, coding, step=step)[0] == expected


@pytest.mark.parametrize(
    ("data", "coding", "message"),
    [
        pytest.param(gzip.compress(PLAIN)[:-4], "gzip", "gzip ends early", id="gzip cut"),
        pytest.param(zlib.compress(PLAIN)[:-2], "deflate", "deflate ends early", id="deflate cut"),
        pytest.param(gzip.compress(PLAIN)[:-8] + b"\0" * 8, "gzip", "damaged", id="bad checksum"),
        pytest.param(PLAIN, "br", "br was not asked for", id="br"),
        pytest.param(PLAIN, "zstd", "zstd was not asked for", id="zstd"),
        pytest.param(PLAIN, "gzip, br", "gzip, br was not asked for", id="two codings"),
    ],
)
def test_damage_is_not_an_answer(data, coding, message):
    with pytest.raises(BrokenAnswerError, match=message):
        got(data, coding)


def test_a_bomb_is_not_read_to_its_end():
    bomb = gzip.compress(b"\0" * 50_000_000)
    body, taken = got(bomb, "gzip", step=100)
    assert (len(body.octets), body.truncated) == (CAP, True)
    assert taken < len(bomb)


def test_a_deflate_bomb_is_not_read_to_its_end():
    bomb = zlib.compress(b"\0" * 50_000_000)
    body, taken = got(bomb, "deflate", step=100)
    assert (len(body.octets), body.truncated) == (CAP, True)
    assert taken < len(bomb)


def test_members_without_content_are_not_read_for_ever():
    body, taken = got(gzip.compress(b"") * 1000, "gzip", step=20)
    assert body == Body(b"", True)
    assert taken <= 2 * CAP + 20


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300), coding=st.sampled_from(["", "gzip", "deflate", "br"]))
def test_any_octets_are_a_body_or_broken(data, coding):
    try:
        body, _ = got(data, coding, cap=100)
    except BrokenAnswerError:
        return
    assert len(body.octets) <= 100
