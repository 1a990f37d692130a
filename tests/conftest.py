"""The parts under the tests: started once for a whole run, and a world of its own in them for every worker.

The process that runs pytest starts the parts (`runtime.parts`) unless the environment names them already; workers of
pytest-xdist inherit their addresses. Each worker then has tables, queues and topics of its own, made from
`infrastructure/` under its own RESOURCE_PREFIX. All of that happens before any test module is imported, because the
services read their settings at import.

A run of `tests/unit` alone, or with STAGEDOOR_TESTS_WITHOUT_PARTS=1, starts nothing: the services can be imported,
and every address leads to a closed port.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

# First: the fixtures' modules import the kit, which would take what a stopped `make up` left behind for given parts.
import runtime.own_environment  # noqa: F401  it acts by being imported
from runtime.parts import Part, PartFailed, Parts, free_port
from runtime.parts.embedded import redis
from runtime.provisioning import planned, provision
from runtime.secrets import generated_secrets

pytest_plugins = ["tests.saga.fixtures"]

ROOT = Path(__file__).resolve().parent.parent
_WITHOUT_PARTS = ("tests/unit", "tests/test_house.py", "tests/contract/schemas")
_CLOSED = "http://127.0.0.1:9"
_RUN = "STAGEDOOR_TEST_RUN"
_FOLDER = "STAGEDOOR_TEST_FOLDER"
_PARTS = "STAGEDOOR_TEST_PARTS"

_parts: Parts | None = None
_lock: IO[str] | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Starts what the chosen tests need, and sets the variables the services read."""
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker is None:
        _begin_run(config)
    _settle_in(worker or "main")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops what was started. Should pytest be killed instead, the guardians stop it."""
    global _parts
    if getattr(config, "workerinput", None) is not None:
        return
    if _parts is not None:
        _parts.stop()
        _parts = None
    folder = os.environ.get(_FOLDER)
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
    if _lock is not None:
        _lock.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Keeps the groups of `--dist loadgroup` together.

    pytest-xdist 3.8 writes a test's group into `_nodeid`, where pytest 9.2 no longer looks: every group would be spread
    over the workers without a word.
    """
    yield
    for item in items:
        grouped = vars(item).get("_nodeid")
        if grouped is not None and grouped != item.nodeid:
            item._id = type(item.id).parse(grouped)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """After the results: how many tests of each kind there were, and how they ended."""
    kinds: dict[str, dict[str, int]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            place = str(getattr(report, "nodeid", "")).split("::")[0].split("/")
            kind = place[1].removesuffix(".py") if len(place) > 1 else "other"
            counts = kinds.setdefault(kind, {})
            counts[outcome] = counts.get(outcome, 0) + 1
    if kinds:
        terminalreporter.section("tests of each kind")
    for kind, counts in sorted(kinds.items()):
        terminalreporter.write_line(f"{kind:14}" + ", ".join(f"{number} {name}" for name, number in counts.items()))


def _begin_run(config: pytest.Config) -> None:
    """Once for a run: its name, its folder and its parts, told to the workers through the environment."""
    global _parts, _lock
    os.environ[_RUN] = secrets.token_hex(3)
    runs = ROOT / ".state" / "tests"
    runs.mkdir(parents=True, exist_ok=True)
    _forget_dead_runs(runs)
    folder = runs / os.environ[_RUN]
    folder.mkdir()
    _lock = (folder / "lock").open("w")
    fcntl.flock(_lock, fcntl.LOCK_EX)
    os.environ[_FOLDER] = str(folder)
    os.environ[_PARTS] = "yes" if _needs_parts(config) else "no"
    if os.environ[_PARTS] == "no" or config.option.collectonly:
        os.environ[_PARTS] = "no"
        return
    _parts = Parts(folder, keep=False, given=dict(os.environ))
    try:
        os.environ.update(_parts.start())
    except PartFailed as failure:
        raise pytest.UsageError(f"the tests' parts did not start: {failure}") from failure


def _forget_dead_runs(runs: Path) -> None:
    """Removes what runs left behind that were killed. A living run holds the lock of its folder."""
    for folder in runs.iterdir():
        try:
            with (folder / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _needs_parts(config: pytest.Config) -> bool:
    if os.environ.get("STAGEDOOR_TESTS_WITHOUT_PARTS") == "1":
        return False
    asked = [str(argument).split("::")[0] for argument in config.args]
    here = config.invocation_params.dir
    paths = [(here / argument).resolve() for argument in asked]
    return not all(any(path.is_relative_to(ROOT / free) for free in _WITHOUT_PARTS) for path in paths)


def _settle_in(worker: str) -> None:
    """Gives this process tables, queues and variables of its own."""
    prefix = f"test-{os.environ[_RUN]}-{worker}"
    number = int(worker.removeprefix("gw")) if worker.startswith("gw") else 0
    folder = Path(os.environ[_FOLDER])
    variables = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "STAGE": "test",
        "RESOURCE_PREFIX": prefix,
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "MAIL_FROM": "box-office@stagedoor.example",
        "TEST_PROVIDER_URL": f"{_CLOSED}/checkout",
        "XRAY_ENABLED": "0",
        # A whole run comes from one address; the tests of throttling turn it on.
        "THROTTLING_ENABLED": "0",
        "LOG_LEVEL": "INFO",
        "DATABASE_URL": os.environ.get("DATABASE_URL") or f"sqlite:///{folder}/reporting-{worker}.sqlite3",
        # A file of a running `make up` must not leak into tests.
        "STAGEDOOR_ENVIRONMENT_FILE": "",
        **generated_secrets(),
    }
    os.environ.update(variables)
    os.environ.pop("AWS_PROFILE", None)
    os.environ.pop("AWS_SESSION_TOKEN", None)
    if os.environ[_PARTS] == "yes":
        os.environ.update(provision("test", prefix, mail_from=variables["MAIL_FROM"]).environment)
        # A given Redis may serve others too, whose databases are not ours to choose; keys carry the prefix anyway.
        if _owns_redis():
            os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rsplit('/', 1)[0]}/{number % 16}"
        return
    credentials = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    endpoints = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB_STREAMS")
    os.environ.update({**planned("test", prefix), **credentials, **dict.fromkeys(endpoints, _CLOSED)})
    os.environ.pop("REDIS_URL", None)


def _owns_redis() -> bool:
    return (Path(os.environ[_FOLDER]) / "processes" / "redis.json").exists()


@pytest.fixture(scope="session")
def resource_prefix() -> str:
    """What every name of this worker's tables, topics, queues and buckets begins with."""
    return os.environ["RESOURCE_PREFIX"]


@pytest.fixture
def redis_of_its_own(tmp_path: Path) -> Iterator[Part]:
    """A Redis that a test may stop, kill and start again; its REDIS_URL is in `.variables`."""
    part = redis(tmp_path, free_port())
    part.process.start()
    part.process.wait_until(part.ready, 10.0)
    yield part
    part.process.stop()
