"""The eight services behind the gateway's own dispatch, with a count of what reaches them, and nginx before them."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from runtime.gateway.events import Incoming
from runtime.parts import free_port
from tests.saga.front_door import FrontDoor

SECONDS_TO_START = 10.0
CONFIGURATION = """
daemon off;
user {user};
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=answers:10m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{origin};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache answers;
      # What may be kept, for how long, for whom: the answers alone say it.
      proxy_cache_key $request_uri;
      proxy_cache_lock on;
      proxy_cache_use_stale updating;
      proxy_cache_background_update on;
      add_header X-Cache $upstream_cache_status always;
    }}
  }}
}}
"""


class Origin(ThreadingHTTPServer):
    """Answers by a front door; `requests` counts what came."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, door: FrontDoor) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.door = door
        self.requests = 0
        self.counting = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        origin: Any = self.server
        with origin.counting:
            origin.requests += 1
        path, _, query = self.path.partition("?")
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        answer = origin.door._gateway.answer(
            Incoming(method="GET", path=path, query=query, headers=headers, body=b"", source_ip="192.0.2.7")
        )
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps quiet."""


@contextmanager
def listening(door: FrontDoor) -> Iterator[Origin]:
    """An origin that listens."""
    origin = Origin(door)
    thread = threading.Thread(target=origin.serve_forever, daemon=True)
    thread.start()
    yield origin
    origin.shutdown()
    thread.join()
    origin.server_close()


@contextmanager
def nginx_before(origin: Origin, folder: Path) -> Iterator[str]:
    """nginx with an empty cache in that folder; its address. Raises AssertionError when it does not start."""
    port = free_port()
    # Started by root, nginx would give its work to somebody who cannot reach the folder.
    user = f"{pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name}"
    written = CONFIGURATION.format(folder=folder, port=port, origin=origin.server_address[1], user=user)
    (folder / "nginx.conf").write_text(written)
    command = ["nginx", "-e", f"{folder}/error.log", "-p", str(folder), "-c", f"{folder}/nginx.conf"]
    process = subprocess.Popen(command)
    address = f"http://127.0.0.1:{port}"
    try:
        ends_at = time.monotonic() + SECONDS_TO_START
        while not _answers(address):
            log = folder / "error.log"
            assert time.monotonic() < ends_at, log.read_text() if log.exists() else "nginx did not start"
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    try:
        return bool(httpx.get(f"{address}/health", timeout=5).status_code)
    except httpx.HTTPError:
        return False


def kept(folder: Path) -> dict[str, bytes]:
    """What nginx has stored: the path of each answer, and the file of it with its headers."""
    files = [path.read_bytes() for path in (folder / "cache").rglob("*") if path.is_file()]
    keys = [raw.partition(b"\nKEY: ")[2].partition(b"\n")[0].decode() for raw in files]
    return {f"{key} #{number}": raw for number, (key, raw) in enumerate(zip(keys, files, strict=True))}
