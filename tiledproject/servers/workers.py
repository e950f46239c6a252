"""Worker processes of the production server, and the process that watches over them.

The supervisor owns the listening socket, starts the workers, replaces one that dies, and ends them
all within a bounded time. After SIGTERM it first lets load balancers notice, for
`server.shutdown_delay` seconds: `/readyz` answers 503 meanwhile, and everything else is served. A
second signal, and Ctrl-C, which reaches the workers too, end the server without this delay. SIGHUP
makes all workers reload their settings.

A worker ends by itself when its supervisor is gone, so that the port is free for the next start
even after `kill -9`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType

import uvicorn

from core.metrics import families
from core.metrics.memory import MetricMemory
from streaming import shared_counters
from streaming.shared_counters import SharedCounts

from ..config.errors import ConfigError
from ..config.server import ServerSettings
from ..http import shutdown_state
from ..http.process_metrics import RESTARTS, describe_start
from ..http.shutdown_state import ShutdownFlag
from .file_limits import raise_open_file_limit
from .garbage import pause_collection
from .generation import Generation
from .malloc_tuning import configure_malloc
from .uvicorn_http import BoundedHttpProtocol
from .uvicorn_websocket import RawFrameProtocol

logger = logging.getLogger(__name__)

APPLICATION = "tiledproject.asgi:application"
BACKLOG = 2048
KEEP_ALIVE = 75
PING_INTERVAL = 20
# A subscriber that is processing updates reads nothing, and does not answer pings.
PONG_TIMEOUT = 120
# Subscribers send only credentials and subscriptions.
MAX_MESSAGE_BYTES = 8 * 1024
# A worker checks for signals ten times a second.
LISTENERS_CLOSED_SECONDS = 0.3
# For the application to end after the last request.
KILL_MARGIN_SECONDS = 4
RESTART_DELAY_SECONDS = 0.5
EXIT_SIGNALS = (signal.SIGINT, signal.SIGTERM)
STDIN = 0


@dataclass(frozen=True)
class Worker:
    """One worker process; `ready` receives a message when it serves."""

    process: SpawnProcess
    ready: Connection


@dataclass(frozen=True)
class SharedState:
    """Memory that a worker shares with the supervisor and the other workers."""

    counts: SharedCounts
    metrics: MetricMemory
    shutdown: ShutdownFlag
    reloads: Generation


class WorkersFailed(Exception):
    """A worker ended before it served: the next one would, too."""


class Supervisor:
    """Runs `server.workers` workers on `listener` until a signal ends it."""

    def __init__(self, listener: socket.socket, server: ServerSettings) -> None:
        self.listener = listener
        self.server = server
        self._workers: list[Worker] = []
        self._has_terminal = os.isatty(STDIN)
        self._stopping: int | None = None
        self._skip_delay = False
        self._reload_wanted = False
        self._reloads = Generation()
        self._shutdown = ShutdownFlag()
        self._counts = SharedCounts.shared(server.workers, server.secret_key or "")
        # The last row is that of this process.
        self._metrics = MetricMemory.shared(server.workers + 1)
        families.install(self._metrics.of_row(server.workers))
        self._wake, self._woken = multiprocessing.Pipe()

    def run(self, on_ready: Callable[[], None], check_settings: Callable[[], None]) -> None:
        """Run the workers; call `on_ready` once all of them serve. Raises WorkersFailed.

        `check_settings` raises ConfigError if the settings must not be reloaded.
        """
        describe_start(self.server.workers)
        previous = {number: signal.signal(number, self._stop) for number in EXIT_SIGNALS}
        previous[signal.SIGHUP] = signal.signal(signal.SIGHUP, self._hang_up)
        try:
            self._workers = [self._start_worker(row) for row in range(self.server.workers)]
            self._wait_until_ready()
            if not self._stopping:
                on_ready()
            while not self._stopping:
                if self._reload_wanted:
                    self._reload(check_settings)
                self._replace_dead()
            self._announce_end()
        finally:
            self._end_workers()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._skip_delay = self._stopping is not None
        self._stopping = number
        self._wake.send_bytes(b"stop")

    def _hang_up(self, number: int, frame: FrameType | None) -> None:
        """Reload the settings; but stop if the signal says that the terminal was closed."""
        if self._has_terminal and not os.isatty(STDIN):
            self._stop(number, frame)
        else:
            self._reload_wanted = True
            self._wake.send_bytes(b"reload")

    def _reload(self, check_settings: Callable[[], None]) -> None:
        self._reload_wanted = False
        try:
            check_settings()
        except ConfigError as error:
            logger.error("The settings were not reloaded. %s", error)  # noqa: TRY400
            return
        self._reloads.advance()
        for worker in self._workers:
            if worker.process.pid is not None and worker.process.is_alive():
                os.kill(worker.process.pid, signal.SIGHUP)

    def _announce_end(self) -> None:
        """Let the workers report that the server stops, and wait for load balancers to notice."""
        self._shutdown.set()
        delay = self.server.shutdown_delay
        if self._stopping == signal.SIGTERM and delay:
            logger.info("Stopping in %g seconds (server.shutdown_delay).", delay)
            deadline = time.monotonic() + delay
            while not self._skip_delay and (left := deadline - time.monotonic()) > 0:
                if self._woken.poll(left):
                    self._woken.recv_bytes()
        logger.info("Stopping.")

    def _start_worker(self, row: int) -> Worker:
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        counts, metrics = self._counts.of_row(row), self._metrics.of_row(row)
        shared = SharedState(counts, metrics, self._shutdown, self._reloads)
        process = context.Process(
            target=run_worker,
            args=(self.listener, sender, self.server, shared),
            name="tiled-worker",
        )
        # Ctrl-C reaches the whole process group; the supervisor passes it on, in order. The new
        # process inherits the ignored signals until its server installs handlers.
        ignored = (signal.SIGINT, signal.SIGHUP)
        handlers = [signal.signal(number, signal.SIG_IGN) for number in ignored]
        try:
            process.start()
        finally:
            for number, handler in zip(ignored, handlers, strict=True):
                signal.signal(number, handler)
        sender.close()
        return Worker(process, receiver)

    def _wait_until_ready(self) -> None:
        waiting = {worker.ready: worker for worker in self._workers}
        while waiting and not self._stopping:
            for answered in wait([*waiting, self._woken]):
                if answered is self._woken:
                    return
                assert isinstance(answered, Connection)
                try:
                    answered.recv_bytes()
                except EOFError:
                    raise WorkersFailed from None
                del waiting[answered]

    def _replace_dead(self) -> None:
        """Wait until a worker has died or a signal came; start another in its place."""
        wait([self._woken, *(worker.process.sentinel for worker in self._workers)])
        while self._woken.poll():
            self._woken.recv_bytes()
        for index, worker in enumerate(self._workers):
            if not self._stopping and not worker.process.is_alive():
                logger.error(
                    "Worker %s ended with %s; starting another.",
                    worker.process.pid,
                    worker.process.exitcode,
                )
                RESTARTS.add()
                self._woken.poll(RESTART_DELAY_SECONDS)
                self._workers[index] = self._start_worker(index)

    def _end_workers(self) -> None:
        self.listener.close()
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + self.server.shutdown_timeout + KILL_MARGIN_SECONDS
        for worker in self._workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


class WorkerServer(uvicorn.Server):
    """uvicorn's server, which reports when it serves."""

    def __init__(self, config: uvicorn.Config, ready: Connection, reloads: Generation) -> None:
        super().__init__(config)
        self.ready = ready
        self._reloads = reloads
        self._loaded = reloads.number

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start serving, and notify the supervisor."""
        # Imported late: it needs Django, which the application has set up by now.
        from .reloading import reload_in_thread

        await super().startup(sockets)
        signal.signal(signal.SIGHUP, reload_in_thread)
        if self._reloads.number != self._loaded:
            reload_in_thread()
        self.ready.send_bytes(b"ready")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening; close connections once no other worker listens either.

        Disconnected clients reconnect at once. Their connection must then be refused: a client
        whose connection is accepted and dropped before a response may give up for good.
        """
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        await asyncio.sleep(LISTENERS_CLOSED_SECONDS)
        await super().shutdown(sockets)


def run_worker(
    listener: socket.socket, ready: Connection, server: ServerSettings, shared: SharedState
) -> None:
    """Run one worker process until it is stopped."""
    families.install(shared.metrics)
    shared_counters.install(shared.counts)
    shutdown_state.install(shared.shutdown)
    pause_collection()  # until the application is loaded
    configure_malloc()
    raise_open_file_limit()
    threading.Thread(target=_end_with_supervisor, args=(listener,), daemon=True).start()
    config = uvicorn.Config(
        APPLICATION,
        http=BoundedHttpProtocol,
        ws=RawFrameProtocol,
        # Frames of arrays hardly shrink, and compressing them doubles the work.
        ws_per_message_deflate=False,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_INTERVAL,
        ws_ping_timeout=PONG_TIMEOUT,
        lifespan="on",
        # The application reads the proxy's headers itself.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="info" if server.log_level == "debug" else "warning",
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(server.shutdown_timeout),
    )
    WorkerServer(config, ready, shared.reloads).run([listener])


def _end_with_supervisor(listener: socket.socket) -> None:
    supervisor = multiprocessing.parent_process()
    assert supervisor is not None
    supervisor.join()
    # Stops accepting in all workers at once. Another worker may have been quicker.
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    # Without a supervisor, end at once, so that the port becomes free.
    os._exit(1)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at this address. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    # asyncio sets TCP_NODELAY only on sockets whose protocol is IPPROTO_TCP.
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
