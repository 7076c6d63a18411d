"""curl's `--connect-to`: the first rule that matches decides, an empty part keeps."""

import pytest

from crawler.fetch.http.connect_to import ConnectTo, destination, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.test:80:127.0.0.1:8080", ConnectTo("a.test", 80, "127.0.0.1", 8080)),
        ("A.Test:80:B.Test:81", ConnectTo("a.test", 80, "b.test", 81)),
        ("::127.0.0.1:8080", ConnectTo("", None, "127.0.0.1", 8080)),
        (":::", ConnectTo("", None, "", None)),
        ("a.test:443::", ConnectTo("a.test", 443, "", None)),
        ("[2001:db8::1]:80:[::1]:8080", ConnectTo("2001:db8::1", 80, "::1", 8080)),
    ],
)
def test_parse(text, expected):
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.test:80", "HOST1:PORT1"),
        ("a:80:b:81:c", "HOST1:PORT1"),
        ("a:x:b:81", "HOST1:PORT1"),
        ("::1:80:b:81", "HOST1:PORT1"),
        ("a:80:b:0", "no such port"),
        ("a:80:b:65536", "no such port"),
        ("", "HOST1:PORT1"),
    ],
)
def test_parse_refuses(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("rules", "place", "expected"),
    [
        ([], ("a.test", 80), ("a.test", 80)),
        (["::127.0.0.1:8080"], ("a.test", 80), ("127.0.0.1", 8080)),
        (["a.test::127.0.0.1:"], ("a.test", 443), ("127.0.0.1", 443)),
        (["a.test:80::8080"], ("a.test", 80), ("a.test", 8080)),
        (["a.test:80::8080"], ("a.test", 443), ("a.test", 443)),
        (["a.test:80::8080"], ("b.test", 80), ("b.test", 80)),
        (["a.test::b.test:", "::c.test:"], ("a.test", 80), ("b.test", 80)),
        (["::c.test:", "a.test::b.test:"], ("a.test", 80), ("c.test", 80)),
        (["a.test::b.test:"], ("A.test.", 80), ("b.test", 80)),
        (["[::1]::b.test:"], ("::1", 80), ("b.test", 80)),
    ],
)
def test_target(rules, place, expected):
    assert destination(tuple(map(parse, rules)), *place) == expected
