"""Caches: a value is found until the cache is full; objects are keys by identity."""

from crawler.caches import BoundedCache, IdentityCache


def test_a_full_cache_is_cleared():
    cache = BoundedCache(2)
    assert [cache.put(n, str(n)) for n in range(2)] == ["0", "1"]
    assert [cache.get(n) for n in range(3)] == ["0", "1", None]
    cache.put(2, "2")
    assert [cache.get(n) for n in range(3)] == [None, None, "2"]


def test_equal_objects_are_different_keys():
    cache, one, other = IdentityCache(2), ["x"], ["x"]
    cache.put(one, 0)
    assert (cache.get(one), cache.get(other)) == (0, None)


def test_a_cached_object_stays_alive_so_that_its_id_is_not_reused():
    cache = IdentityCache(1)
    first = id(cache.put(["x"], 1))
    cache.put(["y"], 2)
    assert [cache.get(key) for key in (["x"], ["y"])] == [None, None]
    assert first
