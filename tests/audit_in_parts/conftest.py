"""One web, and what one undisturbed crawl of it into one file says."""

import shutil

import pytest

from crawler.demo.server import LoopbackWeb
from tests.audit_in_parts import folders
from tests.conftest import run
from tests.crawl_helpers import crawl
from tests.faults.evidence import SITES, URLS
from tests.forks import Commands

HOSTS = 40
NO_HOST = "not a host"


@pytest.fixture(scope="session")
def urls():
    return [*URLS[:HOSTS], NO_HOST]


@pytest.fixture(scope="session")
def web():
    with LoopbackWeb(SITES[:HOSTS]) as served:
        yield served


@pytest.fixture(scope="session")
def calm(tmp_path_factory, web, urls):
    """Return the database of an undisturbed crawl into one file."""
    folder = tmp_path_factory.mktemp("calm")
    done = crawl(folder, web, urls)
    assert done.returncode == 0, done.stderr
    return folder / "audit.db"


@pytest.fixture(scope="session")
def calm_words(calm):
    return folders.said(calm)


@pytest.fixture(scope="session")
def plan_of_four(tmp_path_factory, urls):
    folder = tmp_path_factory.mktemp("planned")
    folders.plan(folder, urls, "--parts", "4")
    return folder


@pytest.fixture
def planned(tmp_path, plan_of_four):
    """Return a folder with an audit that is planned in four parts."""
    shutil.copytree(plan_of_four, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def crawled(planned, web):
    """Return a folder with an audit in four parts that a pool has crawled."""
    done = run(*folders.crawl_command(planned, web, "--workers", "2"))
    assert done.returncode == 0, done.stderr
    return planned


@pytest.fixture(scope="session")
def commands():
    with Commands() as started:
        yield started
