"""A Valkey that a test may stop, start again at the same address, and let hang."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import redis

from streaming.redis.embedded_valkey import find_binary

START_TIMEOUT = 30


class Cache:
    """One address, and behind it a Valkey or none.

    The address is a socket in `folder`, besides `host` and `port` if these are given: then `prefix`
    precedes the command that starts it, as for a network namespace.
    """

    def __init__(
        self,
        folder: Path,
        options: dict[str, str],
        *,
        host: str | None = None,
        port: int = 0,
        prefix: Sequence[str] = (),
    ) -> None:
        self.socket = folder / "valkey.sock"
        self.uri = f"redis://{host}:{port}" if host else f"unix://{self.socket}"
        self.port = port
        self.client = redis.Redis(unix_socket_path=str(self.socket))
        self._prefix = prefix
        self._options = {
            "port": str(port),
            "unixsocket": str(self.socket),
            "dir": str(folder),
            "save": "",
            **({"bind": host, "protected-mode": "no"} if host else {}),
            **options,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start an empty one, and wait until it answers."""
        options = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [*self._prefix, str(find_binary()), *options],
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with contextlib.suppress(redis.RedisError):
                self.client.ping()
                return
            assert time.monotonic() < deadline
            time.sleep(0.005)

    @property
    def pid(self) -> int:
        """Return the process. It must have been started."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Kill it, hanging or not; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.socket.unlink(missing_ok=True)

    def hang(self) -> None:
        """Let it take connections and commands, and answer none."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it carry out the commands that it has received meanwhile."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def own_cache(
    *, host: str | None = None, port: int = 0, prefix: Sequence[str] = (), **options: str
) -> Iterator[Cache]:
    """Run a Valkey with these options, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="tiled-cache-") as folder:
        own = {name.replace("_", "-"): value for name, value in options.items()}
        cache = Cache(Path(folder), own, host=host, port=port, prefix=prefix)
        cache.start()
        try:
            yield cache
        finally:
            cache.client.close()
            cache.stop()
