"""Redaction: mailboxes and telephones go, everything that looks like them stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.redaction import redact


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Contact: jane.roe@example.org", "Contact: [mailbox]", id="H4 mail"),
        pytest.param("Phone: +372 5123 4567", "Phone: [telephone]", id="H4 telephone"),
        pytest.param("Contact: mailto:jane@example.org", "Contact: mailto:[mailbox]", id="mailto"),
        pytest.param("<jane@example.org>", "<[mailbox]>", id="angle brackets"),
        pytest.param("Roe (jane@example.org), B", "Roe ([mailbox]), B", id="round brackets"),
        pytest.param("jane@example.org, joe@b.example", "[mailbox], [mailbox]", id="two"),
        pytest.param("jane+ai@mail.example.co.uk.", "[mailbox].", id="a full stop after it"),
        pytest.param("jane (at) example.org", "[mailbox]", id="(at)"),
        pytest.param("jane[at]example[dot]org", "[mailbox]", id="[at] and [dot]"),
        pytest.param("jane {at} example {dot} co {dot} uk", "[mailbox]", id="braces"),
        pytest.param("jane at example dot org", "[mailbox]", id="in words"),
        pytest.param("JANE AT EXAMPLE DOT ORG", "[mailbox]", id="in capitals"),
        pytest.param("jane-at-example-dot-org", "[mailbox]", id="with hyphens"),
        pytest.param("jane @ example.org", "[mailbox]", id="blanks around the sign"),
        pytest.param("Mail: jane.roe at example.org!", "Mail: [mailbox]!", id="a label"),
        pytest.param("x?to=jane%40example.org", "x?to=[mailbox]", id="percent-encoded"),
        pytest.param("jane&#64;example.org", "[mailbox]", id="an entity"),
        pytest.param('"jane roe"@example.org', "[mailbox]", id="a quoted name"),
        pytest.param("jürgen@bücher.example", "[mailbox]", id="letters of other scripts"),
        pytest.param("jane@xn--bcher-kva.xn--p1ai", "[mailbox]", id="A-labels"),
        pytest.param("href='jane@example.org'", "href='[mailbox]'", id="in an attribute"),
        pytest.param("root@localhost", "[mailbox]", id="localhost"),
        pytest.param("jane@[192.0.2.1]", "[mailbox]", id="an address literal"),
        pytest.param("# Contact jane.roe@exam", "# Contact [mailbox]", id="cut off"),
        pytest.param("# Contact jane.roe@", "# Contact [mailbox]", id="cut off at the sign"),
        pytest.param("Tel. 030 1234567", "Tel. [telephone]", id="a label and a national number"),
        pytest.param("Tel.: (030) 123 45 67", "Tel.: [telephone]", id="an area code in brackets"),
        pytest.param("fax=0301234567", "fax=[telephone]", id="fax"),
        pytest.param("Téléphone : 01 23 45 67 89", "Téléphone : [telephone]", id="French"),
        pytest.param("+1 (201) 555-0123", "[telephone]", id="North America"),
        pytest.param("call +49 (0) 30/1234-567 now", "call [telephone] now", id="a zero in it"),
        pytest.param("+44.20.7946.0958", "[telephone]", id="full stops"),
        pytest.param("+372\u00a05123\u20114567", "[telephone]", id="no-break signs"),
        pytest.param("0049 30 1234567", "[telephone]", id="two zeros"),
        pytest.param("(555) 123-4567", "[telephone]", id="an area code"),
        pytest.param("555-123-4567", "[telephone]", id="hyphens"),
        pytest.param("030/1234567", "[telephone]", id="a slash"),
        pytest.param("tel:+12015550123", "tel:[telephone]", id="a tel URI"),
        pytest.param("tel:112", "tel:[telephone]", id="a short number"),
        pytest.param(
            "Contact: jane@example.org, Phone: +372 5123 4567",
            "Contact: [mailbox], Phone: [telephone]",
            id="both",
        ),
    ],
)
def test_addresses_are_redacted(text, expected):
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "User-agent: *",
        "Disallow: /*.jpg$",
        "version 1.2.3.4567",
        "Version: 2026.11.28",
        "2026-11-28T10:15:00.000+01:00",
        "Last updated: 28.11.2026 10:15",
        "Date: 2026-11-28",
        "192.168.100.200",
        "2001:db8::1234:5678",
        "10.0.0.0/8",
        "Crawl-delay: 1234567",
        "google.com, pub-1234567890123456, DIRECT, f08c47fec0942fa0",
        "1.0.0+20130313144700",
        "UTC +02:00",
        "ISBN 978-3-16-148410-0",
        "Directive (EU) 2019/790, Art. 4(3)",
        "§ 44b UrhG",
        "L. 122-5-3",
        "@example on social networks",
        "npm install pkg@1.2.3",
        "Look at example.org for terms",
        "look at the table below",
        "https://example.org/a-at-b.html",
        "sha256 0123456789abcdef0123456789",
        "Phone: ask at the desk",
        "Fax: 192.168.1.10",
        "Tel 2026-11-28",
        "call 10.12",
        "tdm-reservation: 1",
    ],
)
def test_everything_else_stays(text):
    assert redact(text) == text


ADDRESSES = st.sampled_from(
    "jane@example.org +372 5123 4567 ( ) [at] at dot : tel: Phone 00 49 @ %40 . - / é@é.éé".split()
)


@given(st.one_of(st.text(max_size=300), st.lists(ADDRESSES, max_size=30).map(" ".join)))
def test_redacting_twice_changes_nothing(text):
    once = redact(text)
    assert redact(once) == once


def test_hostile_texts_are_read_in_linear_time():
    for piece in ("a", "a.", "1 ", "+1", "a@", "at ", "(", "a at b dot "):
        assert isinstance(redact(piece * (2000 // len(piece))), str)
