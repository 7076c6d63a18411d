"""`--pages adaptive`: pages are requested until the share that reserves is known."""

import json

from crawler.demo.answers import html
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from tests.crawl_helpers import command, crawl, rows, start

RESERVES = html(headers=(("TDM-Reservation", "1"),))
HALF = {f"/{n}": RESERVES if n % 2 else html() for n in range(200)}
ALIKE = {f"/{n}": html() for n in range(200)}
WEB = [
    Site(host=host, about="", expect={}, pages=pages)
    for host, pages in (("half.test", HALF), ("alike.test", ALIKE))
]
URLS = [f"http://{site.host}{path}" for site in WEB for path in site.pages]
ADAPTIVE = ("--pages", "adaptive")
REQUESTED = (
    "SELECT origin, count(*) FROM observations WHERE resource = 'page' AND run = ? GROUP BY origin"
)


def test_sampling_ends_when_the_share_is_known(tmp_path):
    with LoopbackWeb(WEB) as web:
        first = crawl(tmp_path, web, URLS, *ADAPTIVE)
        again = crawl(tmp_path, web, URLS, *ADAPTIVE, "--max-age", "0s", "--new-run")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    requested = [dict(rows(tmp_path, REQUESTED, run)) for run in (1, 2)]
    assert requested[0]["http://alike.test"] == 16
    assert 80 <= requested[0]["http://half.test"] <= 100
    # A second crawl draws the same sample.
    assert requested[0] == requested[1]
    columns = "pages_reserving, pages_seen, pages_share_min, pages_share_max"
    found = {
        origin: share
        for origin, *share in rows(
            tmp_path,
            f"SELECT origin, {columns} FROM findings WHERE purpose = 'tdm' "
            "AND rules LIKE 'signals%'",
        )
    }
    assert found["http://alike.test"] == [None] * 4
    reserving, seen, low, high = found["http://half.test"]
    assert seen == requested[0]["http://half.test"]
    assert low < reserving / seen < high
    assert high - low <= 0.2


def test_pages_max_bounds_the_sample(tmp_path):
    with LoopbackWeb(WEB) as web:
        done = crawl(tmp_path, web, URLS, *ADAPTIVE, "--pages-max", "10")
    assert done.returncode == 0, done.stderr
    assert dict(rows(tmp_path, REQUESTED, 1)) == {"http://half.test": 10, "http://alike.test": 10}
    assert json.loads(done.stdout)["run"] == 1


def test_a_wrong_number_of_pages_is_wrong_usage(tmp_path):
    with LoopbackWeb(WEB) as web:
        for wrong in ("some", "21", "-1", "1.5"):
            with start(command(tmp_path, web, URLS, "--pages", wrong)) as process:
                _, err = process.communicate(timeout=100)
            assert process.returncode == 2
            assert "is neither a number from 0 to 20 nor 'adaptive'" in err
