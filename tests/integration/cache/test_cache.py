"""The cache on a real server: values, tags, scripts, and the server going away."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from runtime.parts import Part
from shared.cache import Breaker, Cache, CacheDown, CacheError
from shared.telemetry import invocation


@pytest.fixture
def cache(redis_of_its_own: Part) -> Cache:
    return Cache(str(redis_of_its_own.variables["REDIS_URL"]), prefix="stage:service")


@pytest.fixture
def server(redis_of_its_own: Part) -> Iterator[Redis]:
    """The same server, seen directly."""
    client = Redis.from_url(str(redis_of_its_own.variables["REDIS_URL"]))
    yield client
    client.close()


def start_again(part: Part) -> None:
    part.process.stop()
    part.process.start()
    part.process.wait_until(part.ready, 10.0)


def test_hits_and_misses_are_counted_on_the_line_of_the_request(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("METRICS", "embedded")
    with invocation("catalog", "http"):
        for _ in range(3):
            cache.get_or_load("counted", lambda: b"1", 60)
        cache.get_or_load("counted too", lambda: b"1", 60, locked=False)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["CacheHits"], line["CacheMisses"]) == ([1, 1], [1, 1])


def test_values_live_below_the_prefix_and_expire(cache: Cache, server: Redis) -> None:
    assert cache.put("a", b"1", 0.5)
    assert cache.get("a") == b"1"
    assert server.keys() == [b"stage:service:a"]
    assert 400 <= server.pttl("stage:service:a") <= 500
    time.sleep(0.55)
    assert cache.get("a") is None
    cache.put("a", b"1", 100)
    assert cache.delete("a")
    assert cache.get("a") is None


def test_a_value_is_loaded_once_and_its_expiry_is_jittered(cache: Cache, server: Redis) -> None:
    loads: list[int] = []

    def load() -> bytes:
        loads.append(1)
        return b"value"

    assert {cache.get_or_load("a", load, 100) for _ in range(10)} == {b"value"}
    assert len(loads) == 1
    for number in range(30):
        cache.get_or_load(f"k{number}", load, 100)
    expiries = {server.pttl(name) // 100 for name in server.keys("*:value")}
    assert len(expiries) > 10
    assert max(expiries) <= 1000


def test_a_tag_forgets_all_values_that_bear_it(cache: Cache) -> None:
    tagged = {"a": ["x"], "b": ["x", "y"], "c": ["y"]}
    for key, tags in tagged.items():
        cache.get_or_load(key, lambda: b"old", 100, tags)
    assert cache.invalidate_tag("x")
    new = {key: cache.get_or_load(key, lambda: b"new", 100, tags) for key, tags in tagged.items()}
    assert new == {"a": b"new", "b": b"new", "c": b"old"}


def test_a_value_that_was_being_loaded_when_its_tag_was_invalidated_is_not_believed(cache: Cache) -> None:
    def load() -> bytes:
        cache.invalidate_tag("x")
        return b"read before the change"

    assert cache.get_or_load("a", load, 100, ["x"]) == b"read before the change"
    assert cache.get_or_load("a", lambda: b"fresh", 100, ["x"]) == b"fresh"


def test_what_a_loader_raises_is_its_callers_and_the_next_one_loads(cache: Cache) -> None:
    def fail() -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        cache.get_or_load("a", fail, 100)
    started = time.monotonic()
    assert cache.get_or_load("a", lambda: b"found", 100) == b"found"
    assert time.monotonic() - started < 1


def test_a_loader_that_died_holds_the_others_up_only_for_a_while(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.cache.cache._LOAD_SECONDS_MAX", 0.3)
    assert cache._lock("a", b"somebody who died")
    started = time.monotonic()
    assert cache.get_or_load("a", lambda: b"found", 100) == b"found"
    assert 0.2 < time.monotonic() - started < 2


def test_scripts_are_sent_once_and_again_to_a_server_that_forgot_them(cache: Cache, server: Redis) -> None:
    script = cache.script("count", "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert [script.run(["{a}:n"], [2]) for _ in range(3)] == [2, 4, 6]
    stats = server.info("commandstats")
    assert stats["cmdstat_eval"]["calls"] == 1
    server.script_flush()
    assert script.run(["{a}:n"], [1]) == 7
    assert server.info("commandstats")["cmdstat_eval"]["calls"] == 2


def test_a_wrong_script_is_an_error_and_no_outage(cache: Cache) -> None:
    with pytest.raises(CacheError):
        cache.script("wrong", "return redis.call('NOPE')").run(["a"])
    assert not cache.breaker.is_open


def test_a_server_that_stops_makes_things_slower_and_not_wrong(redis_of_its_own: Part) -> None:
    breaker = Breaker(failures_max=3, pause_seconds=0.1, pause_seconds_max=0.2)
    cache = Cache(str(redis_of_its_own.variables["REDIS_URL"]), prefix="s", breaker=breaker)
    assert cache.get_or_load("a", lambda: b"one", 100) == b"one"
    redis_of_its_own.process.kill()
    started = time.monotonic()
    assert {cache.get_or_load("a", lambda: b"two", 100) for _ in range(200)} == {b"two"}
    assert breaker.is_open
    # Two hundred time-outs would take twenty seconds.
    assert time.monotonic() - started < 5
    with pytest.raises(CacheDown):
        cache.script("s", "return 1").run(["a"])
    start_again(redis_of_its_own)
    deadline = time.monotonic() + 10
    while not cache.ping():
        assert time.monotonic() < deadline, "the breaker never closed again"
        time.sleep(0.05)
    assert cache.get_or_load("a", lambda: b"three", 100) == b"three"
    assert cache.get("never") is None


def test_a_server_that_hangs_costs_milliseconds(redis_of_its_own: Part, server: Redis) -> None:
    breaker = Breaker(failures_max=3, pause_seconds=5)
    cache = Cache(str(redis_of_its_own.variables["REDIS_URL"]), prefix="s", timeout_milliseconds=50, breaker=breaker)
    assert cache.ping()
    pid = server.info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert cache.get_or_load("a", lambda: b"loaded", 100) == b"loaded"
        assert time.monotonic() - started < 0.5
    finally:
        os.kill(pid, signal.SIGCONT)


def test_who_asks_alone_asks_over_one_connection(cache: Cache, server: Redis) -> None:
    before = server.info("clients")["connected_clients"]
    for number in range(20):
        cache.put(f"k{number}", b"1", 10)
    assert server.info("clients")["connected_clients"] == before + 1


def test_who_asks_at_once_has_a_connection_of_its_own(cache: Cache) -> None:
    """Commands of several threads over one connection would get each other's answers."""
    gate = threading.Barrier(8)
    wrong: list[bytes | None] = []

    def ask(number: int) -> None:
        own = b"%d" % number
        gate.wait()
        for _ in range(100):
            cache.put(f"k{number}", own, 10)
            found = cache.get(f"k{number}")
            if found != own:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_connection_the_server_dropped_is_noticed_before_it_is_used(
    cache: Cache, server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache.put("a", b"1", 10)
    monkeypatch.setattr("shared.cache.client.LOOKED_AT_SECONDS", 0.0)
    server.client_kill_filter(_type="normal", skipme=True)
    assert cache.execute(lambda client: client.get(cache.full_key("a"))) == b"1"


def test_without_the_look_one_command_is_lost_and_the_next_is_not(cache: Cache, server: Redis) -> None:
    """The negative control; a command that may have been done is never sent twice."""
    assert cache.put("a", b"1", 10)
    server.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(CacheDown):
        cache.execute(lambda client: client.get(cache.full_key("a")))
    assert cache.get("a") == b"1"


def test_a_fork_opens_connections_of_its_own(cache: Cache) -> None:
    assert cache.put("a", b"parent", 10)
    child = os.fork()
    if child == 0:
        good = all(cache.get("a") == b"parent" for _ in range(50))
        os._exit(0 if good else 1)
    for _ in range(50):
        assert cache.get("a") == b"parent"
    assert os.waitpid(child, 0)[1] == 0


def aged(server: Redis, key: str, milliseconds: int) -> None:
    """Lets a value have only so long to live, as if the rest had passed."""
    assert server.pexpire(f"stage:service:{{{key}}}:value", milliseconds)


def test_a_stale_value_is_loaded_anew_by_one_while_the_others_have_it_at_once(cache: Cache, server: Redis) -> None:
    def get(loader: Callable[[], bytes]) -> bytes:
        return cache.get_or_load("a", loader, 60, ["x"], stale_seconds=30)

    loading, loaded = threading.Event(), threading.Event()
    answers: list[bytes] = []

    def slow() -> bytes:
        loading.set()
        assert loaded.wait(10)
        return b"new"

    assert get(lambda: b"old") == b"old"
    assert get(lambda: b"of no use") == b"old"
    aged(server, "a", 29_000)
    loader = threading.Thread(target=lambda: answers.append(get(slow)))
    loader.start()
    assert loading.wait(10)
    began = time.monotonic()
    assert [get(lambda: b"of no use") for _ in range(20)] == [b"old"] * 20
    assert time.monotonic() - began < 2, "somebody waited for the load"
    loaded.set()
    loader.join()
    assert answers == [b"new"]
    assert get(lambda: b"of no use") == b"new"


def test_what_a_tag_has_forgotten_is_not_served_stale(cache: Cache, server: Redis) -> None:
    cache.get_or_load("a", lambda: b"old", 60, ["x"], stale_seconds=30)
    aged(server, "a", 29_000)
    cache.invalidate_tag("x")
    assert cache.get_or_load("a", lambda: b"new", 60, ["x"], stale_seconds=30) == b"new"


def test_without_stale_seconds_everybody_waits_for_the_load(cache: Cache, server: Redis) -> None:
    """The control: the same value without its stale seconds is fresh until it is gone."""
    cache.get_or_load("a", lambda: b"old", 60)
    aged(server, "a", 29_000)
    assert cache.get_or_load("a", lambda: b"new", 60) == b"old"
    assert cache.get_or_load("a", lambda: b"new", 60, stale_seconds=30) == b"new"


def test_a_loader_that_fails_leaves_the_stale_value_to_the_others(cache: Cache, server: Redis) -> None:
    def fail() -> bytes:
        raise ValueError("the table does not answer")

    cache.get_or_load("a", lambda: b"old", 60, stale_seconds=30)
    aged(server, "a", 29_000)
    with pytest.raises(ValueError, match="table"):
        cache.get_or_load("a", fail, 60, stale_seconds=30)
    assert server.exists("stage:service:{a}:value")
    assert cache.get_or_load("a", lambda: b"new", 60, stale_seconds=30) == b"new"


def test_a_script_that_is_sent_is_done_before_the_next_command_of_the_process(cache: Cache, server: Redis) -> None:
    add = cache.script("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    for _ in range(3):
        # The server does not know the script at first: it is sent whole when its answer is read.
        add.send(["sum"], [2])
    assert cache.get("sum") == b"6"
    server.script_flush()
    add.send(["sum"], [2])
    assert cache.get("sum") == b"8"


def test_sending_does_not_wait_for_the_answer(cache: Cache, redis_of_its_own: Part) -> None:
    add = cache.script("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    add.run(["sum"], [1])
    pid = json.loads(redis_of_its_own.process.record.read_text(encoding="utf-8"))["child"]
    os.kill(pid, signal.SIGSTOP)
    try:
        add.send(["sum"], [2])
        assert cache.breaker.allows(), "nothing was waited for, so that nothing was late"
        with pytest.raises(CacheDown):
            # The control: waiting for the same server is too long.
            cache.script("read", "return redis.call('GET', KEYS[1])").run(["sum"])
    finally:
        os.kill(pid, signal.SIGCONT)
    direct = Cache(str(redis_of_its_own.variables["REDIS_URL"]), prefix="stage:service")
    assert direct.get("sum") == b"3", "it was on its way all the same"


def test_what_could_be_sent_does_not_count_as_an_answer(redis_of_its_own: Part) -> None:
    """Or a server that takes everything and answers nothing would be waited for by every second call."""
    breaker = Breaker(failures_max=2, pause_seconds=60)
    cache = Cache(str(redis_of_its_own.variables["REDIS_URL"]), prefix="stage:service", breaker=breaker)
    add = cache.script("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    add.run(["sum"], [1])
    pid = json.loads(redis_of_its_own.process.record.read_text(encoding="utf-8"))["child"]
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(2):
            add.send(["sum"], [1])
            assert cache.get("sum") is None
        assert breaker.is_open
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_connection_that_broke_over_an_unread_answer_does_not_trouble_the_next_caller(
    cache: Cache, redis_of_its_own: Part
) -> None:
    add = cache.script("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    add.send(["sum"], [2])
    redis_of_its_own.process.kill()
    start_again(redis_of_its_own)
    assert cache.put("after", b"1", 10)
    assert cache.get("after") == b"1"


def test_a_sent_script_that_fails_is_logged_and_troubles_nobody(
    cache: Cache, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.put("text", b"no number", 10)
    cache.script("add", "return redis.call('INCR', KEYS[1])").send(["text"])
    assert cache.get("text") == b"no number"
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["event"], line["level"]) == ("late_script_failed", "ERROR")
    with pytest.raises(CacheDown):
        Cache(None, prefix="stage").script("add", "return 1").send(["text"])


def test_threads_that_send_and_ask_get_their_own_answers(cache: Cache) -> None:
    echo = cache.script("echo", "return ARGV[1]")
    wrong: list[object] = []

    def talk(number: int) -> None:
        for turn in range(50):
            echo.send(["one"], [f"unread {number} {turn}"])
            said = echo.run(["one"], [f"{number} {turn}"])
            if said != f"{number} {turn}".encode():
                wrong.append(said)

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong
