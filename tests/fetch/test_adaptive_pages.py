"""`--pages adaptive`: pages are requested until the share that reserves is known."""

import json

from crawler.demo.answers import html
from crawler.demo.server import LoopbackWeb
from crawler.demo.site import Site
from crawler.flags import Flagger
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
    flags = flags_of(tmp_path)
    assert flags["http://alike.test/never"] == ("silent", None, None, None, None)
    assert flags["http://half.test/never"] == ("partial", reserving, seen, low, high)


def flags_of(folder):
    """Return state and share of URLs that were not requested."""
    urls = ["http://alike.test/never", "http://half.test/never"]
    with Flagger(str(folder / "audit.db"), purposes=("tdm",)) as flagger:
        # Twice: from what was judged, and from the cache.
        first, again = flagger.flag(urls), flagger.flag(urls)
    names = ("state", "pages_reserving", "pages_seen", "pages_share_min", "pages_share_max")
    assert first.equals(again)
    columns = [first[f"tdm_{name}"].to_pylist() for name in names]
    return dict(zip(urls, zip(*columns, strict=True), strict=True))


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
