"""Options that cannot be meant are refused in one sentence, before anything is fetched."""

import pytest

from crawler.fetch.options import FetchOptions


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("", "tdm-audit/0.1.0"),
        ("https://audit.example/about", "tdm-audit/0.1.0 (+https://audit.example/about)"),
        ("me@audit.example", "tdm-audit/0.1.0 (+me@audit.example)"),
    ],
)
def test_user_agent(contact, expected):
    assert FetchOptions(contact=contact).user_agent == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"connect_to": ("a:b",)}, "HOST1:PORT1"),
        ({"allow_network": ("here",)}, "here"),
        ({"contact": "a\r\nCookie: b"}, "printable"),
        ({"contact": "ü"}, "printable"),
        ({"concurrency": 0}, "at least 1"),
        ({"per_address": 0}, "at least 1"),
        ({"max_body": 0}, "at least 1"),
        ({"delay": -1.0}, "not be negative"),
        ({"media": -1}, "not be negative"),
        ({"timeout": 0.0}, "greater than 0"),
    ],
)
def test_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FetchOptions(**options)


def test_media_without_the_extra_are_refused(monkeypatch):
    monkeypatch.setattr("crawler.media.missing_packages", lambda: ("pikepdf", "c2pa-python"))
    assert FetchOptions(media=0).media == 0
    with pytest.raises(ValueError, match=r"pikepdf and c2pa-python: install tdm-audit\[media\]"):
        FetchOptions(media=1)
