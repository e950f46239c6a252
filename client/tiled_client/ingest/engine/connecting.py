"""How a writer connects, and what the end of a connection means. No I/O."""

from __future__ import annotations

from ...auth.credentials import Credentials
from ...errors import NotSupported, StreamLost, TiledClientError
from ...settings import HttpOptions, StreamOptions, WriterOptions
from ...stream.engine.commands import Connect
from ...stream.engine.credential_renewal import CredentialRenewal
from ...stream.engine.reconnect_policy import ReconnectPolicy
from ...stream.engine.websocket_options import connect_arguments, translate_exception
from ...stream.protocol.close_codes import error_for_close
from ...uris import ingest_url
from ...wire.subprotocols import INGEST

# Statuses of servers that do not have the endpoint.
NO_ENDPOINT = (400, 403, 404, 405)


class IngestConnector:
    """The arguments of each connection of a writer, and when to make another."""

    def __init__(
        self, api_root: str, credentials: Credentials, http: HttpOptions, options: WriterOptions
    ) -> None:
        self._url = ingest_url(api_root)
        self._http = http
        self._renewal = CredentialRenewal(credentials)
        self._policy = ReconnectPolicy(options.give_up_after)
        self._stream_options = StreamOptions(
            connect_timeout=options.connect_timeout, idle_before_ping=options.idle_before_ping
        )

    def arguments(self) -> dict[str, object]:
        """Return the arguments of `connect` of the WebSocket library for the next connection."""
        command = Connect(self._url, self._renewal.header(), (INGEST,))
        return connect_arguments(command, self._stream_options, self._http)

    def after_failure(
        self, error: Exception, *, progress: bool, open_seconds: float
    ) -> tuple[TiledClientError, float | None]:
        """Return what a failed connection means, and the seconds to wait before the next one.

        The seconds are None if there is to be none. Raises `error` if it has nothing to do with
        the connection.
        """
        failure = translate_exception(error, self) or StreamLost(
            "The server closed the connection."
        )
        failure = self._renewal.after_failure(failure, progress=progress)
        delay = self._policy.delay_after(failure, progress=progress, open_seconds=open_seconds)
        return failure, delay

    def url(self) -> str:
        """Return the address."""
        return self._url

    def translate_close(self, code: int, reason: str) -> TiledClientError | None:
        """Return the error that a close code means."""
        return error_for_close(code, reason)

    def translate_rejection(self, error: TiledClientError) -> TiledClientError:
        """Return the error that a rejected handshake means."""
        if error.is_foreign and error.status in NO_ENDPOINT:
            return NotSupported(
                "This server has no ingest endpoint, or rejects the credentials without a reason: "
                "write with requests instead, as in x.patch(...).",
                status=error.status,
                url=error.url,
            )
        return error
