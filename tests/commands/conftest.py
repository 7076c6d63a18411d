"""Fixture of tests of commands: an empty database."""

import pytest

from crawler.store.database import connect


@pytest.fixture
def db(tmp_path):
    connection = connect(tmp_path / "audit.db", create=True)
    yield connection
    connection.close()
