"""What a crawl keeps of TLS, from the handshake to what `explain` prints."""

import json

import pytest

from tests.crawl_helpers import crawl, rows
from tests.fetch.certificates import ORGANISATION, TlsServer, sign

TDMREP = {"/.well-known/tdmrep.json": '[{"location": "/", "tdm-reservation": 1}]', "/": "x"}
OPERATOR = {"organisation": "A Verlag GmbH", "policy": ORGANISATION}


@pytest.fixture(scope="module")
def crawls(tmp_path_factory):
    """Two crawls, of a server that verifies and of one whose certificate has expired."""
    folder = tmp_path_factory.mktemp("tls")
    authority = sign("authority.test")
    (folder / "authority.pem").write_bytes(authority.pem)
    good, old = (
        sign(f"{n}.test", by=authority, expired=n == "old", **OPERATOR) for n in ("good", "old")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
        for host, signed in (("good", good), ("old", old)):
            with TlsServer(signed, folder, **TDMREP) as server:
                done = crawl(folder, server, [f"https://{host}.test/"])
                assert done.returncode == 0, done.stderr
    return folder, good, old


def test_every_observation_has_the_tls_it_came_over(crawls):
    folder, good, old = crawls
    kept = "SELECT DISTINCT origin, tls_version, tls_certificate, tls_verified FROM observations"
    assert rows(folder, f"{kept} ORDER BY 1") == [
        ("https://good.test", "TLSv1.3", good.digest, "ok"),
        ("https://old.test", "TLSv1.3", old.digest, "certificate has expired"),
    ]


def test_what_is_published_behind_a_bad_certificate_is_read(crawls):
    assert rows(crawls[0], "SELECT host, tdm FROM reservations ORDER BY 1") == [
        ("good.test", "reserved"),
        ("old.test", "reserved"),
    ]


def test_a_certificate_that_verified_names_the_operator(crawls):
    folder, good, _ = crawls
    kept = "SELECT origin, role, name, source, document FROM parties"
    assert rows(folder, kept) == [
        ("https://good.test", "operator", "A Verlag GmbH", "certificate.organisation", good.digest)
    ]
    assert rows(folder, "SELECT count(*) FROM rights_holders WHERE named") == [(0,)]


@pytest.mark.parametrize(
    ("host", "expected"), [("good", "verified"), ("old", "not verified: certificate has expired")]
)
def test_explain_says_how_certain_it_is_who_answered(host, expected, crawls, tdm_audit):
    folder, good, old = crawls
    db, digest = folder / "audit.db", {"good": good, "old": old}[host].digest
    said = tdm_audit("explain", f"https://{host}.test/", "--db", db).stdout
    assert f"    by TLSv1.3, certificate sha256 {digest}, {expected}\n" in said
    decided = json.loads(tdm_audit("explain", f"https://{host}.test/", "--db", db, "--json").stdout)
    assert decided["findings"][0]["decided_by"]["tls_certificate"] == digest
