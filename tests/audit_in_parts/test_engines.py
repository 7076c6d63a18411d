"""`--on` names where parts are worked on; a place that is none, or Ray that is missing, is said."""

import sys

import pytest

from tests.conftest import run


@pytest.mark.parametrize("on", ["spark", "ray:", "ray://", "ray://host/path", "local:4", ""])
def test_other_places_are_wrong_usage(planned, on):
    done = run("judge", "--db", planned / "audit", "--on", on)
    assert done.returncode == 2
    assert "is no place to work; write local, ray, ray://HOST:PORT or ray:ADDRESS" in done.stderr


def test_without_ray_it_is_said_how_to_install_it(planned, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    done = run("judge", "--db", planned / "audit", "--on", "ray")
    assert done.returncode == 1
    assert done.stderr == (
        "tdm-audit: --on ray needs Ray, which is not installed: pip install 'tdm-audit[ray]'\n"
    )


def test_one_part_has_no_other_place(planned):
    done = run("judge", "--db", planned / "audit", "--part", "1", "--on", "ray")
    assert done.returncode == 2
    assert "--part is this process, and --on is for all parts" in done.stderr
