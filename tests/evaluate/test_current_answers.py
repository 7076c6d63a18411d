"""Which evidence is in force, and where it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.evaluate.current_answers import _path_of
from crawler.urls import canonical

HOSTS = st.sampled_from(
    "a.test www.a-b.example xn--bcher-kva.example a.xn--p1ai 127.0.0.1 127.0.0.256 1.2.3 01.2.3.4 "
    "255.255.255.255 [::1] a.test. a..test -a.test A.test a_b.test a.1 localhost 0x7f.1 aé.test "
    "u:p@a.test".split()
)
PORTS = st.sampled_from(["", ":80", ":443", ":8080", ":59999", ":65535", ":65536", ":0", ":08080"])
PATHS = st.lists(
    st.sampled_from(
        ["/", "//", "a", ".", "..", "/.", "/..", "%2e", "%7E", "?q", "#f", " ", "é", "~"]
    )
).map("".join)


@given(
    scheme=st.sampled_from(["http://", "https://", "HTTP://", "//", ""]),
    host=HOSTS,
    port=PORTS,
    path=PATHS,
)
def test_paths_are_cut_off_as_if_urls_were_parsed(scheme, host, port, path):
    url = f"{scheme}{host}{port}{path}"
    assert _path_of(url) == canonical.path_of(url)


@pytest.mark.parametrize("length", [2_000, 200_000])
def test_long_paths_are_cut_off_likewise(length):
    url = "https://a.test/" + "a" * length
    assert _path_of(url) == canonical.path_of(url)
