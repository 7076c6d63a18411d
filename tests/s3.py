"""S3 on this machine: the server of moto, and one that can be told to break its promises."""

import contextlib
import http.server
import socket
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from urllib.parse import parse_qs, urlsplit

from tests.conftest import patience
from tests.crawl_helpers import waited_for

#: What must not be seen in anything that is printed or kept: user, password, signatures.
SECRETS = ("jane", "s3cret", "5160a7u4e", "X-Amz")
# The server wants a signature, and does not verify it.
_SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=a"
}


def environment(url):
    """Return the variables by which every AWS client finds a server at a URL."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "jane",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


class S3:
    """The server of moto, whose log tells what was asked for."""

    def __init__(self, port, log):
        self.url, self.log = f"http://127.0.0.1:{port}", log
        self.env = environment(self.url)

    def put(self, path, data=b""):
        kind = {"Content-Type": "application/octet-stream"}
        self._ask(path, data, "PUT", kind)

    def get(self, path):
        return self._ask(path, None, "GET", _SIGNED)

    def delete(self, path):
        self._ask(path, None, "DELETE", _SIGNED)

    def _ask(self, path, data, method, headers):
        request = urllib.request.Request(f"{self.url}/{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=patience(30)) as response:
            return response.read()

    def answers(self):
        with contextlib.suppress(OSError):
            socket.create_connection(self.url.removeprefix("http://").split(":")).close()
            return True
        return False

    def fetched(self, since=0):
        """Count how often each object was fetched, by the log from some octet on."""
        lines = self.log.read_text()[since:].splitlines()
        words = (line.partition('"GET /')[2].partition(" ")[0] for line in lines)
        return Counter(path for path in words if path and "?" not in path.rstrip("?"))


@contextlib.contextmanager
def moto_server(folder):
    """Give a server of moto, whose log is in a folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        server = S3(port, log)
        assert waited_for(server.answers, 60), log.read_text()
        yield server
    finally:
        process.kill()
        process.wait()


_EMPTY = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
_DONE = "<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"


class OddS3(http.server.BaseHTTPRequestHandler):
    """S3 with one folder, as far as it takes to put and read files.

    `heeds` says which requests heed `If-None-Match`: a PUT, or a POST that ends an upload in
    several requests. `faults` are statuses that the next puts are answered with; those from 500 on
    after the file was stored.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        content = self.server.files.get(urlsplit(self.path).path)
        if "list-type" in self.path:
            content = _EMPTY
        self._answer(404 if content is None else 200, content or b"")

    def do_HEAD(self):
        self.do_GET()

    def do_PUT(self):
        content = self._content()
        if "partNumber" in self.path:
            self._answer(200)
        else:
            self._put("PUT", content)

    def do_POST(self):
        self._content()
        if "uploads" in parse_qs(urlsplit(self.path).query, keep_blank_values=True):
            words = "<InitiateMultipartUploadResult><UploadId>1</UploadId>"
            self._answer(200, f"{words}</InitiateMultipartUploadResult>".encode())
        else:
            self._put("POST", b"several requests", _DONE)

    def do_DELETE(self):
        self._answer(204)

    def _put(self, method, content, answer=""):
        path = urlsplit(self.path).path
        fault = self.server.faults.pop(0) if self.server.faults else 0
        is_refused = method in self.server.heeds and path in self.server.files
        if 0 < fault < 500:
            self._answer(fault)
        elif is_refused and self.headers["If-None-Match"] == "*":
            self._answer(412)
        else:
            self.server.files[path] = content
            self._answer(fault or 200, answer.encode())

    def _content(self):
        if self.headers["Expect"]:
            self.send_response_only(100)
            self.end_headers()
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        content = b""
        while size := int(self.rfile.readline(), 16):
            content += self.rfile.read(size)
            self.rfile.readline()
        return content

    def _answer(self, status, content=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"e"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *words):
        pass


@contextlib.contextmanager
def odd_server(*heeds, faults=()):
    """Give a server that heeds `If-None-Match` in some requests alone; see `OddS3`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OddS3)
    server.heeds, server.faults, server.files = heeds, list(faults), {}
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
