"""Time stamps from an authority on loopback: OpenSSL signs them, and OpenSSL agrees about them."""

import hashlib
import shutil
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from crawler.commands import time_stamps
from crawler.commands.judge import rebuild
from crawler.commands.stamp import stamp
from crawler.commands.time_stamps import StampError
from crawler.commands.verify import verify
from crawler.store import manifests, stamps
from crawler.store.database import checkpoint, connect, connect_read_only
from tests.store.test_order import SIGNALS, day, ingest, look, store
from tests.store.test_verify import changed

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")

CONFIG = """
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[ts]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
signer_cert = tsa.pem
signer_key = tsa.key
"""
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


class Authority:
    """An authority in a folder, with certificates of its own. `how` are words for openssl."""

    def __init__(self, folder, days=2):
        self.folder, self.how = folder, ()
        (folder / "tsa.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        config = ("-config", "/dev/null", "-subj")
        self("req", "-x509", *EC, *config, "/CN=CA", "-keyout", "ca.key", "-out", "ca.pem")
        self("req", "-new", *EC, *config, "/CN=TSA", "-keyout", "tsa.key", "-out", "tsa.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", str(days))
        extensions = ("-extfile", "tsa.cnf", "-extensions", "tsa")
        self("x509", "-req", "-in", "tsa.csr", *signed, *extensions, "-out", "tsa.pem")
        self.chain = folder / "chain.pem"
        # In this order, and in the other one, DER would have them otherwise: one is unsorted.
        ca, own = (folder / f"{name}.pem" for name in ("ca", "tsa"))
        self.chain.write_bytes(own.read_bytes() + ca.read_bytes() + ca.read_bytes())

    def __call__(self, *words):
        return subprocess.run(
            ["openssl", *words], cwd=self.folder, check=True, capture_output=True
        ).stdout

    def reply(self, query):
        (self.folder / "query").write_bytes(query)
        reply = ("ts", "-reply", "-config", "tsa.cnf", "-section", "ts", "-queryfile", "query")
        return self(*reply, *self.how)

    @property
    def ca(self):
        return self.folder / "ca.pem"


@contextmanager
def served(answer):
    """Serve answers to requests: a function of the body that returns status and body."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, self.headers["Content-Type"], body))
            status, content = answer(body)
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = asked
    server.url = f"http://127.0.0.1:{server.server_port}/tsr"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def tsa(authority):
    with served(lambda query: (200, authority.reply(query))) as server:
        yield server


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("stamp") / "audit.db"
    with closing(connect(path, create=True)) as db:
        ingest(db)
        store(db, look(day(1), 200, b"User-agent: *\n"), started=day(1))
        rebuild(db, chosen=SIGNALS)
        checkpoint(db)
    return path


@pytest.fixture
def path(original, tmp_path):
    shutil.copy(original, tmp_path / "audit.db")
    return tmp_path / "audit.db"


def verified(path, ca):
    with closing(connect_read_only(path)) as db:
        return verify(db, ca=ca)


def tokens(path):
    with closing(connect_read_only(path)) as db:
        return stamps.stamps(db)


def test_a_manifest_is_stamped_and_only_its_digest_is_sent(path, tsa, authority):
    tsa.asked.clear()
    done = stamp(path, tsa.url, authority.ca)
    ((where, kind, query),) = tsa.asked
    assert (where, kind) == ("/tsr", "application/timestamp-query")
    with closing(connect_read_only(path)) as db:
        (_, _, text, digest) = manifests.stored(db)[-1]
    assert bytes.fromhex(digest) in query
    assert text.encode() not in query
    assert (done.manifest, done.digest) == (1, digest)
    found = verified(path, authority.ca)
    assert found.differences == []
    assert found.vouched_for.startswith(f"the time stamp of manifest 1 by {tsa.url}, which existed")
    assert done.stamped_at in found.vouched_for


def test_openssl_agrees(path, tsa, authority, tmp_path, tdm_audit):
    stamp(path, tsa.url, None)
    done = tdm_audit("stamp", "--db", path, "--write", tmp_path / "stamps")
    assert (done.returncode, done.stderr) == (0, "")
    data = ("-data", tmp_path / "stamps/manifest-1.json")
    token = ("-in", tmp_path / "stamps/manifest-1.1.tsr")
    assert b"OK" in authority("ts", "-verify", *data, *token, "-CAfile", "ca.pem")


def test_a_stamp_is_of_one_text_and_leads_to_one_certificate(path, tsa, authority, tmp_path):
    stamp(path, tsa.url, authority.ca)
    other = Authority((tmp_path / "other").mkdir() or tmp_path / "other")
    ((found,),) = [verified(path, other.ca).differences]
    assert (found.table, "does not verify" in found.what) == ("stamp", True)
    trusted = time_stamps.certificates(authority.ca)
    (one,) = tokens(path)
    with pytest.raises(StampError, match="of something else"):
        time_stamps.verify_stamp(one.token, one.text + " ", trusted)


def test_a_flipped_manifest_is_found(path, tsa, authority):
    stamp(path, tsa.url, authority.ca)
    text = 'replace(text, \'"kind":"run"\', \'"kind":"ruN"\')'
    changed(path, f"UPDATE manifest SET text = {text}")
    assert "stamp" in {d.table for d in verified(path, authority.ca).differences}


def test_a_flipped_token_is_found(path, tsa, authority):
    stamp(path, tsa.url, authority.ca)
    trusted = time_stamps.certificates(authority.ca)
    (one,) = tokens(path)
    imprint = one.token.index(hashlib.sha256(one.text.encode()).digest())
    signature = len(one.token) - 8
    for position in (0, 3, imprint, imprint + 40, imprint + 60, signature):
        flipped = bytearray(one.token)
        flipped[position] ^= 1
        with pytest.raises(StampError):
            time_stamps.verify_stamp(bytes(flipped), one.text, trusted)


@pytest.fixture(scope="module")
def ending(tmp_path_factory):
    """An authority whose certificate can be replaced by one that ends at a time."""
    return Authority(tmp_path_factory.mktemp("ending"))


def end_certificate(authority, end):
    """Sign the key of an authority anew, for a day until `end`."""
    load = serialization.load_pem_private_key
    ca_key, own_key = (
        load((authority.folder / f"{n}.key").read_bytes(), None) for n in ("ca", "tsa")
    )
    old = x509.load_pem_x509_certificate((authority.folder / "tsa.pem").read_bytes())
    builder = x509.CertificateBuilder(extensions=list(old.extensions))
    builder = builder.subject_name(old.subject).issuer_name(old.issuer)
    builder = builder.public_key(own_key.public_key()).serial_number(old.serial_number + 1)
    builder = builder.not_valid_before(end - timedelta(days=1)).not_valid_after(end)
    pem = builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (authority.folder / "tsa.pem").write_bytes(pem)


def now():
    return datetime.now(UTC)  # noqa: TID251 - certificates are of today


def test_a_certificate_that_expired_since_is_as_good(path, ending):
    end = now().replace(microsecond=0) + timedelta(seconds=4)
    end_certificate(ending, end)
    with served(lambda query: (200, ending.reply(query))) as server:
        stamp(path, server.url, None)
    (one,) = tokens(path)
    trusted = time_stamps.certificates(ending.ca)
    while now() <= end + timedelta(seconds=1):
        time.sleep(0.1)
    assert time_stamps.verify_stamp(one.token, one.text, trusted) <= end


def test_a_certificate_that_had_expired_then_is_not(path, ending):
    end_certificate(ending, now() - timedelta(days=3))
    with served(lambda query: (200, ending.reply(query))) as server:
        with pytest.raises(StampError, match="is not stored: it does not verify"):
            stamp(path, server.url, ending.ca)
        stamp(path, server.url, None)
    assert [d.table for d in verified(path, ending.ca).differences] == ["stamp"]


def test_an_unsorted_chain_is_kept_and_openssl_is_named(path, authority, tdm_audit):
    authority.how = ("-chain", authority.chain)
    try:
        with served(lambda query: (200, authority.reply(query))) as server:
            done = tdm_audit("stamp", "--db", path, "--tsa", server.url, "--ca", authority.ca)
    finally:
        authority.how = ()
    assert done.returncode == 0, done.stderr
    assert "stamp.unreadable: the time stamp of manifest 1" in done.stdout
    assert "openssl ts -verify -data stamps/manifest-1.json" in done.stdout
    shown = tdm_audit("verify", "--db", path, "--stamps", "--ca", authority.ca)
    assert (shown.returncode, "stamp.unreadable" in shown.stdout) == (0, True)
    assert "nothing outside vouches for it" in shown.stdout


ANSWERS = {
    "an error": (lambda _query: (500, b""), "answered 500, and no time stamp"),
    "a redirect": (lambda _query: (302, b""), "answered 302"),
    "a page": (lambda _query: (200, b"<html>"), "it is no time stamp"),
    "nothing": (lambda _query: (200, b""), "it is no time stamp"),
    "too much": (lambda _query: (200, b"0" * 300_000), "more than a time stamp has"),
}


@pytest.mark.parametrize(("answer", "said"), ANSWERS.values(), ids=ANSWERS)
def test_what_is_no_time_stamp_is_not_stored(path, tdm_audit, answer, said):
    with served(answer) as server:
        done = tdm_audit("stamp", "--db", path, "--tsa", server.url)
    assert (done.returncode, said in done.stderr) == (1, True), done.stderr
    assert tokens(path) == []


def test_a_stamp_of_something_else_is_not_stored(path, authority):
    other = (authority.folder / "other.tsq", b"other")
    other[0].with_suffix(".txt").write_bytes(other[1])
    authority("ts", "-query", "-data", "other.txt", "-sha256", "-cert", "-out", "other.tsq")
    with (
        served(lambda _query: (200, authority.reply(other[0].read_bytes()))) as server,
        pytest.raises(StampError, match="of something else"),
    ):
        stamp(path, server.url, None)
    assert tokens(path) == []


def test_a_refusal_is_told(path, authority):
    def refuse(_query):
        return 200, authority.reply(b"no query")

    with served(refuse) as server, pytest.raises(StampError, match="refused to give"):
        stamp(path, server.url, None)


def test_an_authority_that_does_not_answer_is_not_waited_for(path, monkeypatch):
    monkeypatch.setattr(time_stamps, "TIMEOUT_S", 0.2)
    ended = threading.Event()
    with served(lambda _query: (200, bytes(ended.wait(20)))) as server:
        with pytest.raises(StampError, match="did not answer"):
            stamp(path, server.url, None)
        ended.set()
    with pytest.raises(StampError, match="could not be asked"):
        stamp(path, server.url, None)


def test_stamps_are_covered_by_the_next_manifest(path, tsa, authority):
    stamp(path, tsa.url.replace("http://", "http://user:secret@"), authority.ca)
    with closing(connect(path)) as db:
        store(db, look(day(2), 200, b"User-agent: *\n"), started=day(2))
        checkpoint(db)
    assert b"secret" not in path.read_bytes()
    assert verified(path, authority.ca).differences == []
    changed(path, "DELETE FROM stamp")
    assert {d.table for d in verified(path, authority.ca).differences} == {"stamp"}


COMMANDS = {
    "nothing": (["stamp"], 2, "give --tsa"),
    "no URL": (["stamp", "--tsa", "freetsa"], 1, "is no URL of an authority"),
    "stamps without certificates": (["verify", "--stamps"], 2, "belong together"),
    "no time stamps to write": (["stamp", "--write", "{folder}"], 0, "There is no time stamp"),
    "no certificates": (["verify", "--stamps", "--ca", "{db}"], 1, "has no certificates in PEM"),
}


@pytest.mark.parametrize(("words", "status", "said"), COMMANDS.values(), ids=COMMANDS)
def test_wrong_usage_is_one_sentence(path, tdm_audit, tmp_path, words, status, said):
    words = [word.format(folder=tmp_path / "stamps", db=path) for word in words]
    done = tdm_audit(*words, "--db", path)
    assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done.stderr
