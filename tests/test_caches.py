"""Bounded memory: what is kept is found until there is too much of it."""

from crawler.caches import BoundedCache, IdentityCache


def test_recent_begins_anew_when_full():
    recent = BoundedCache(2)
    assert [recent.keep(n, str(n)) for n in range(2)] == ["0", "1"]
    assert [recent.get(n) for n in range(3)] == ["0", "1", None]
    recent.keep(2, "2")
    assert [recent.get(n) for n in range(3)] == [None, None, "2"]


def test_same_tells_objects_apart_that_are_equal():
    same, one, other = IdentityCache(2), ["x"], ["x"]
    same.keep(one, 0)
    assert (same.get(one), same.get(other)) == (0, None)


def test_same_holds_its_objects():
    same = IdentityCache(1)
    first = id(same.keep(["x"], 1))
    same.keep(["y"], 2)
    assert [same.get(thing) for thing in (["x"], ["y"])] == [None, None]
    assert first
