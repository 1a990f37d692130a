"""What the gateway is started with."""

import os
from pathlib import Path

import msgspec

# Workers are processes of their own; they find their options here.
VARIABLE = "STAGEDOOR_GATEWAY_OPTIONS"
ROOT = Path(__file__).resolve().parents[2]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's options; sizes in bytes, times in seconds."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    # Requests mostly wait for DynamoDB and Redis; more threads than this only wait for each other.
    threads: int = 16
    # A package whose folders with an app.py are the services.
    services: str = "services"
    web: str = str(ROOT / "web" / "dist")
    stage: str = "dev"
    body_bytes_max: int = 1_048_576
    header_bytes_max: int = 16_384
    header_seconds_max: float = 10.0
    # From the first byte of the body to its last.
    body_seconds_max: float = 15.0
    # API Gateway's own limit.
    answer_seconds_max: float = 29.0
    # Requests that wait for a thread; beyond it callers are told to come back, which is better than a long silence.
    waiting_max: int = 512
    # The process that starts the workers; they end when it is gone. 0 for none.
    parent: int = 0
    # Proxies in front whose X-Forwarded-For is to be believed, counted from this server outwards.
    trusted_hops: int = 0


def pass_on(options: Options) -> None:
    """Leaves the options where the workers find them."""
    os.environ[VARIABLE] = msgspec.json.encode(options).decode()


def passed_on() -> Options:
    """The options this worker was started with."""
    return msgspec.json.decode(os.environ.get(VARIABLE, "{}"), type=Options)
