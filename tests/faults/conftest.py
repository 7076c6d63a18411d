"""What the tests of faults share: a process that starts commands, and a crawl without a fault."""

import sys

import pytest

from crawler.demo.server import LoopbackWeb
from tests.crawl_helpers import crawl
from tests.faults.evidence import SITES, URLS, evidence
from tests.forks import Commands


def pytest_collection_modifyitems(items):
    for item in items:
        if "faults" in item.path.parts and sys.platform != "linux":
            item.add_marker(pytest.mark.skip(reason="finds and limits processes as Linux does"))


@pytest.fixture(scope="module")
def commands():
    with Commands() as started:
        yield started


@pytest.fixture(scope="session")
def calm(tmp_path_factory):
    """Return the evidence of one process that was not disturbed."""
    folder = tmp_path_factory.mktemp("calm")
    with LoopbackWeb(SITES) as web:
        done = crawl(folder, web, URLS)
    assert done.returncode == 0, done.stderr
    return evidence(folder)
