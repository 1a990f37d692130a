"""`python -m runtime.gateway`: serves all services over HTTP until it is told to stop."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from runtime.gateway.options import Options, pass_on
from runtime.gateway.services import find_services
from shared.settings import fill_environment

# A request may take 29 s; whoever takes longer to stop is stopped.
STOP_SECONDS_MAX = 35
RESPAWN_SECONDS = 1.0
INSISTED_SECONDS = 0.2


def parse(arguments: list[str]) -> Options:
    """The options of the command line. Exits with a sentence when they make no sense."""
    defaults = Options()
    parser = argparse.ArgumentParser(prog="python -m runtime.gateway", description=__doc__)
    parser.add_argument("--host", default=defaults.host, help="the address to listen at")
    parser.add_argument("--port", type=int, default=defaults.port)
    parser.add_argument("--workers", type=int, default=defaults.workers, help="worker processes")
    parser.add_argument("--threads", type=int, default=defaults.threads, help="threads of each worker")
    parser.add_argument("--services", default=defaults.services, help="the package whose folders are the services")
    parser.add_argument("--web", default=defaults.web, help="the folder of the built web app")
    parser.add_argument("--body-bytes-max", type=int, default=defaults.body_bytes_max)
    parser.add_argument("--header-bytes-max", type=int, default=defaults.header_bytes_max)
    parser.add_argument("--header-seconds-max", type=float, default=defaults.header_seconds_max)
    parser.add_argument("--body-seconds-max", type=float, default=defaults.body_seconds_max)
    parser.add_argument("--waiting-max", type=int, default=defaults.waiting_max, help="requests without a thread yet")
    parser.add_argument("--trusted-hops", type=int, default=defaults.trusted_hops, help="proxies to be believed")
    chosen = parser.parse_args(arguments)
    if chosen.workers < 1 or chosen.threads < 1 or not 0 < chosen.port < 65536:
        parser.error("workers and threads start at 1, ports end at 65535")
    return Options(**vars(chosen), stage=os.environ.get("STAGE", defaults.stage), parent=os.getpid())


class _Server(Server):  # type: ignore[misc, valid-type]
    """granian's server, which hears the signal to stop at any moment."""

    def signal_handler_interrupt(self, *signal_and_frame: Any, **unused: Any) -> None:
        """Says again and again that it is to stop: said once, while a worker is being replaced, it can be unheard."""
        super().signal_handler_interrupt(*signal_and_frame, **unused)
        threading.Thread(target=self._insist, daemon=True).start()

    def _insist(self) -> None:
        while True:
            time.sleep(INSISTED_SECONDS)
            self.main_loop_interrupt.set()


def _stoppable_from_the_first_moment() -> None:
    """Lets workers be stopped while they are still loading.

    A forked worker begins with its parent's handlers, which do nothing there, and would sleep through the one SIGTERM
    it is sent until granian sets a worker's handlers. Until then the signal ends it; what comes in mid-fork waits.
    """
    stopping = {signal.SIGTERM, signal.SIGINT}

    def end_by_signal() -> None:
        for one in stopping:
            signal.signal(one, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, stopping),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping),
        after_in_child=end_by_signal,
    )


def main(arguments: list[str]) -> int:
    """Runs the server; answers the exit code."""
    fill_environment()
    options = parse(arguments)
    if not find_services(options.services):
        print(f"There is no service in {options.services}.", file=sys.stderr)
        return 1
    pass_on(options)
    _stoppable_from_the_first_moment()
    server = _Server(
        "runtime.gateway.rsgi:application",
        factory=True,
        address=options.host,
        port=options.port,
        interface=Interfaces.RSGI,
        workers=options.workers,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(
            header_read_timeout=int(options.header_seconds_max * 1000),
            keep_alive=True,
            max_buffer_size=options.header_bytes_max,
        ),
        backpressure=4096,
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_SECONDS,
        workers_kill_timeout=STOP_SECONDS_MAX,
        log_access=False,
    )
    logging.getLogger("_granian").setLevel(logging.WARNING)
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
