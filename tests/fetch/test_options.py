"""Options that cannot be meant are refused in one sentence, before anything is fetched."""

import click
import pytest

from crawler.cli._options import Duration
from crawler.fetch.options import FetchOptions


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("", "tdm-audit/0.1.0"),
        ("https://audit.example/about", "tdm-audit/0.1.0 (+https://audit.example/about)"),
        ("me@audit.example", "tdm-audit/0.1.0 (+me@audit.example)"),
        *[
            (contact, f"tdm-audit/0.1.0 (+{contact})")
            for contact in (
                "http://audit.example",
                "HTTPS://Audit.Example:8443/about?x=1#who",
                "https://localhost/about",
                "https://192.0.2.1/",
                "http://[2001:db8::1]/",
                "https://audit.example?who",
                "first.last+tdm@sub.audit.example",
                "o'neil@audit.example",
            )
        ],
    ],
)
def test_user_agent(contact, expected):
    assert FetchOptions(contact=contact).user_agent == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"connect_to": ("a:b",)}, "HOST1:PORT1"),
        ({"allow_network": ("here",)}, "here"),
        *[
            ({"contact": contact}, "neither an http\\(s\\) URL nor a mail address; write https://")
            for contact in (
                "a\r\nCookie: b",
                "ü",
                "foo",
                "example.org",
                "www.example.org/about",
                "ftp://example.org/",
                "mailto:me@example.org",
                "https://",
                "https:///about",
                "http:example.org",
                "https://exa mple.org/",
                "https://example.org/a b",
                "https://example.org/) evil",
                'https://example.org/"x',
                "https://example.org\\x",
                "https://-x.example/",
                "https://ex..ample/",
                "@example.org",
                "me@",
                "me@host",
                "me@example.org, you@example.org",
                "Me <me@example.org>",
                "me@ex ample.org",
                "me@example.org\n",
                " ",
            )
        ],
        ({"concurrency": 0}, "at least 1"),
        ({"per_address": 0}, "at least 1"),
        ({"max_body": 0}, "at least 1"),
        ({"delay": -1.0}, "not be negative"),
        ({"full_every": -1.0}, "not be negative"),
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
    with pytest.raises(ValueError, match=r"pikepdf and c2pa-python; install .*\.\[media\]"):
        FetchOptions(media=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("50ms", 0.05),
        ("90s", 90),
        ("15m", 900),
        ("24h", 86400),
        ("7d", 604800),
        ("1w", 604800),
        ("1.5h", 5400),
        ("0.5ms", 0.0005),
        (" 3s ", 3),
        ("0", 0),
        ("0.0", 0),
        ("0s", 0),
        ("0w", 0),
        (2.5, 2.5),
        (3, 3),
    ],
)
def test_durations(text, seconds):
    assert Duration().convert(text, None, None) == pytest.approx(seconds)


UNITS = "write 50ms, 90s, 15m, 24h, 7d or 1w"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        *[(t, f"'{t}' has no unit; {UNITS}") for t in ("30", "1", "007", "1.5", "00.1")],
        *[(t, f"'{t}' is negative; {UNITS}") for t in ("-3h", "-1", "-0")],
        *[
            (t, f"{t!r} is no duration; {UNITS}")
            for t in (
                *("soon", "", "s", "ms", "1y", "1 h", "1M", "24H", "1h30m", "1e3s", "nans", "infd"),
                *("1_0s", "٣s", "+3s", ".5s", "1.s", "1,5h", "3ss", "5\x00s"),
            )
        ],
        *[(t, f"'{t}' is more than a hundred years") for t in ("36501d", "6000w", "9" * 400 + "s")],
    ],
)
def test_what_is_no_duration(text, message):
    with pytest.raises(click.BadParameter) as error:
        Duration().convert(text, None, None)
    assert error.value.message == message


def test_durations_of_the_commands_are_refused_in_one_sentence(tdm_audit, tmp_path):
    options = [("--max-age", "30"), ("--delay", "50"), ("--full-every", "1"), ("--timeout", "9")]
    dataset = tmp_path / "x.txt"
    dataset.write_text("a.example\n")
    for name, value in options:
        done = tdm_audit("crawl", dataset, "--db", tmp_path / "a.db", name, value)
        assert done.returncode == 2
        assert f"'{name}': '{value}' has no unit; {UNITS}" in done.stderr
    done = tdm_audit("crawl", dataset, "--db", tmp_path / "a.db", "--contact", "foo")
    assert done.returncode == 2
    assert "contact 'foo' is neither an http(s) URL nor a mail address" in done.stderr
