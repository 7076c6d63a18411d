"""Synthetic hosts: the files of each host, computed from its number, so that runs repeat.

Host `n` has the address 127.1.0.0 + n. Every file contains the number of its host, so that no two
hosts have byte-equal files, and storing or parsing equal files once saves nothing.
"""

from crawler import agents

PATHS = (
    "/robots.txt",
    "/ai.txt",
    "/.well-known/tdmrep.json",
    "/.well-known/trust.txt",
    "/trust.txt",
    "/",
)
KB = 1024
#: The placeholder for the number of a host, as wide as the numbers that replace it.
_NUMBER = b"@@@@@@@"

AI_TXT = (
    b"# ai.txt of host @@@@@@@\nUser-Agent: *\nDisallow: *.jpg\nDisallow: *.png\n"
    b"Disallow: *.mp3\nDisallow: *.mp4\nAllow: *.txt\nAllow: *.html\n# "
).ljust(300, b"-") + b"\n"
TDMREP = b'[{"location": "/archive/@@@@@@@/*", "tdm-reservation": 1}]\n'


def address(number: int) -> str:
    """Return the address of a host, in 127.1.0.0 and above."""
    return f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def number_of(address: str) -> int:
    """Return the number of the host at an address."""
    _, high, middle, low = map(int, address.split("."))
    return (high - 1 << 16) + (middle << 8) + low


def is_one_in(number: int, share: float) -> bool:
    """Return whether a host is in an evenly spread share (0 to 1) of all."""
    return int((number + 1) * share) > int(number * share)


def numbered(template: bytes, number: int) -> bytes:
    """Return a file of a host; its size does not depend on the number."""
    return template.replace(_NUMBER, b"%07d" % number)


def robots(number: int) -> bytes:
    """Return 1 KB of robots.txt: of all, 20 % refuse AI agents and 25 % have path rules."""
    return numbered(_ROBOTS[number % 20], number)


def page(number: int) -> bytes:
    """Return a home page of 16 KB with usual meta elements; some of them reserve."""
    return numbered(page_template(number), number)


def page_template(number: int) -> bytes:
    """Return the home page of a host with the placeholder for its number."""
    if number % 50 == 7:
        return _RESERVING_PAGE
    return _NOAI_PAGE if number % 40 == 9 else _PAGE


def _sized(text: str) -> bytes:
    """Return a robots.txt filled up to 1 KB with comments."""
    remarks = (f"# {n}: this line is here for people who read the file\n" for n in range(99))
    whole = text + f"Sitemap: https://www.example.org/{_NUMBER.decode()}/sitemap.xml\n"
    while len(whole) < KB - 60:
        whole += next(remarks)
    return whole.encode()


def _refusing() -> str:
    tokens = [agent.token for agent in agents.CATALOGUE[:12]]
    groups = "".join(f"User-agent: {token}\nDisallow: /\n\n" for token in tokens)
    return f"User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n\n{groups}"


def _with_paths() -> str:
    rules = "".join(f"Disallow: /section-{n}/*/print$\nDisallow: /{n}/?s=\n" for n in range(10))
    return (
        f"User-agent: *\n{rules}Allow: /section-1/open/\n\nUser-agent: GPTBot\nDisallow: /news/\n\n"
    )


def _page(extra: str) -> bytes:
    head = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f"<title>Host {_NUMBER.decode()}</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="description" content="A page of a host that is not there">\n'
        f'<link rel="canonical" href="https://www.example.org/{_NUMBER.decode()}/">\n{extra}'
        '<link rel="stylesheet" href="/style.css"><script>var a = 1 < 2;</script></head><body>\n'
    )
    line = '<p class="text">Words upon <a href="/more">words</a>, as pages have them.</p>\n'
    return (head + line * ((16 * KB - len(head)) // len(line)) + "</body></html>\n").encode()


_ROBOTS = (
    *[_sized("User-agent: *\nDisallow:\n\n")] * 11,
    *[_sized(_refusing())] * 4,
    *[_sized(_with_paths())] * 5,
)
_PAGE = _page('<meta name="robots" content="index, follow, max-image-preview:large">\n')
_NOAI_PAGE = _page('<meta name="robots" content="noai, noimageai">\n')
_RESERVING_PAGE = _page('<meta name="tdm-reservation" content="1">\n')
