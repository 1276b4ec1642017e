"""A real S3 server on loopback (moto's), with faults on command in front of it: 503, a connection that is cut, slowness, a wrong key."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

BUCKET = "interviews"
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>No.</Message></Error>'


class S3Server:
    """Listens on a port of its own; keeps its objects in memory."""

    def __init__(self) -> None:
        from moto.core.models import DEFAULT_ACCOUNT_ID
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from moto.s3.models import s3_backends
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            protocol_version = "HTTP/1.1"

            def log(self, type: str, message: str, *args: Any) -> None:
                """Say nothing."""

        self._inner = DomainDispatcherApplication(create_backend_app)
        self._backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        self._backend.reset()
        self._backend.create_bucket(BUCKET, "us-east-1")
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=Quiet)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.requests: list[tuple[str, str]] = []
        """(method, path) of each, in order."""
        self.fault: Callable[[str, str], str] = lambda method, path: ""
        """What goes wrong with a request: `503`, `cut`, `slow`, or an error code of S3; nothing when empty."""
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def _answer(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        fault = self.fault(method, path)
        if fault == "slow":
            time.sleep(0.3)
        elif fault == "cut":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError
        elif fault:
            code, status = ("ServiceUnavailable", "503 Slow Down") if fault == "503" else (fault, "403 Forbidden")
            start(status, [("Content-Type", "application/xml"), ("Connection", "close")])
            return [ERROR.format(code=code).encode()]
        return self._inner(environ, start)

    def objects(self) -> dict[str, bytes]:
        """All that lies in the bucket, by key."""
        return {key.name: key.value for key in self._backend.buckets[BUCKET].keys.values()}

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """One that is up."""
    server = S3Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()
