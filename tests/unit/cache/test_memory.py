"""What a process remembers, and for how long."""

from __future__ import annotations

import pytest

from shared.cache import Cache, CacheDown, KeysInDifferentSlots, Memory, hash_tag, jittered_milliseconds


def test_a_value_is_known_until_its_time() -> None:
    memory: Memory[str] = Memory()
    memory.put("a", "x", until=10)
    assert memory.get("a", now=9.9) == "x"
    assert memory.get("a", now=10) is None
    assert memory.get("b", now=0) is None


def test_the_value_set_longest_ago_gives_way() -> None:
    memory: Memory[int] = Memory(entries_max=2)
    for number, key in enumerate(["a", "b", "a", "c"]):
        memory.put(key, number, until=10)
    assert [memory.get(key, 0) for key in "abc"] == [2, None, 3]


def test_values_are_forgotten_on_demand() -> None:
    memory: Memory[int] = Memory()
    memory.put("a", 1, until=10)
    memory.put("b", 2, until=10)
    memory.forget("a")
    memory.forget("never there")
    assert [memory.get(key, 0) for key in "ab"] == [None, 2]
    memory.clear()
    assert memory.get("b", 0) is None


def test_an_expiry_is_jittered_and_never_later_than_asked_for() -> None:
    values = {jittered_milliseconds(100) for _ in range(200)}
    assert len(values) > 100
    assert min(values) >= 90_000
    assert max(values) <= 100_000
    for seconds in (0, -1, 86_401):
        with pytest.raises(ValueError, match="lives for up to"):
            jittered_milliseconds(seconds)


@pytest.mark.parametrize(
    ("key", "tag"),
    [("{evt_1}:room", "evt_1"), ("a{b}{c}", "b"), ("plain", "plain"), ("{}x", "{}x"), ("a}b{c", "a}b{c")],
)
def test_the_hash_tag_is_what_stands_between_the_first_braces(key: str, tag: str) -> None:
    assert hash_tag(key) == tag


def test_without_redis_everything_degrades() -> None:
    cache = Cache(None, prefix="none")
    assert not cache.configured
    assert cache.get("a") is None
    assert not cache.put("a", b"1", 10)
    assert not cache.delete("a")
    assert not cache.invalidate_tag("t")
    assert not cache.ping()
    assert [cache.get_or_load("a", lambda: b"loaded", 10, ["t"]) for _ in range(2)] == [b"loaded", b"loaded"]
    with pytest.raises(CacheDown):
        cache.script("s", "return 1").run(["a"])


def test_a_script_takes_keys_of_one_slot_only() -> None:
    script = Cache(None, prefix="none").script("s", "return 1")
    with pytest.raises(KeysInDifferentSlots):
        script.run(["{a}:1", "{b}:1"])


def test_a_prefix_must_not_move_all_keys_into_one_slot() -> None:
    with pytest.raises(ValueError, match="braces"):
        Cache(None, prefix="a{b}")
