"""Sites that attack: with a response for each request, for robots.txt, or with a file."""

from crawler.demo.answers import Plain, status
from crawler.demo.site import Site


def host_of(name):
    """Return the host of a handler: its name in letters and digits."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())[:50] + ".test"


def at_every_path(name, answer):
    """Return a site that answers in this way whatever is asked of it, but for robots.txt."""
    return Site(
        host=f"x-{host_of(name)}",
        about="",
        expect={},
        pages={"/robots.txt": status(404)},
        otherwise=answer,
    )


def at_robots(name, answer):
    """Return a site that answers in this way when it is asked for robots.txt."""
    return Site(host=f"r-{host_of(name)}", about="", expect={}, pages={"/robots.txt": answer})


def of_files(name, pages):
    """Return a site with these files."""
    host = f"f-{host_of(name)}"
    named = {path: _with_host(answer, host) for path, answer in pages.items()}
    return Site(host=host, about="", expect={}, pages=named)


def _with_host(answer, host):
    if not isinstance(answer, Plain):
        return answer
    fields = tuple((name, value.replace("HOST", host)) for name, value in answer.headers)
    body = answer.body.replace(b"HOST", host.encode())
    return Plain(status=answer.status, headers=fields, body=body)
