"""uvicorn's WebSocket protocol, with the ASGI extension `tiled.frames`.

The application sends whole, encoded WebSocket frames, which are written unchanged: uvicorn's own
work per message takes as much time as the kernel's. It passes them as `parts`, a list of bytes that
may be split anywhere, in one of two ways:

- the message `{"type": "tiled.frames", "parts": parts}`, which waits until there is room, or
- `scope["extensions"]["tiled.frames"]["offer"](parts)`, which writes at once and returns True; if
  it would have to wait, or the connection is not open, it does nothing and returns False.

`"drained"` waits until nearly all that was written has been sent; `"abort"` disconnects at once.

With the extension `tiled.intake`, an application whose clients are authorized to write lets them
send larger messages: `scope["extensions"]["tiled.intake"]["limit"](bytes)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from .slow_readers import StallWatch
from .uvicorn_http import TOO_LONG

FRAMES = "tiled.frames"
INTAKE = "tiled.intake"


class RawFrameProtocol(WebSocketsSansIOProtocol):
    """One WebSocket of the production server."""

    def handle_connect(self, event: Request) -> None:
        """Add the extension to the scope before the application starts."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][FRAMES] = {
                "offer": self.try_send,
                "drained": self.writable.wait,
                "abort": self.transport.abort,
            }
            self.scope["extensions"][INTAKE] = {"limit": self.limit_messages}

    def limit_messages(self, size: int) -> None:
        """Accept messages of up to `size` bytes, from the next one on."""
        self.conn.max_message_size = size

    def data_received(self, data: bytes) -> None:
        """Process received bytes; ignore them after a rejected message."""
        if self.conn.parser_exc is None:
            super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse()

    def _refuse(self) -> None:
        """Reject a handshake whose head, or a line of it, is too long."""
        if not self.transport.is_closing():
            self.transport.write(TOO_LONG)
            self.transport.close()

    def handle_parser_exception(self) -> None:
        """Send the close frame, and keep reading until a timeout.

        If the connection were closed while the client still sends, it would be reset, and the
        client might not receive the close frame.
        """
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.stop_keepalive()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def try_send(self, parts: Sequence[bytes]) -> bool:
        """Write whole frames now, if the connection is open and has room for more."""
        if not (self.writable.is_set() and self._accepts_raw_frames()):
            return False
        self._write(parts)
        return True

    def connection_made(self, transport: Any) -> None:
        """Start watching the connection."""
        super().connection_made(transport)
        self._stall = StallWatch(self.loop, transport, settings.TILED.budgets)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching the connection."""
        self._stall.stop()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Start watching whether the client reads."""
        super().pause_writing()
        self._stall.start()

    def resume_writing(self) -> None:
        """Stop watching: the client has read nearly everything."""
        super().resume_writing()
        self._stall.stop()

    async def send(self, message: Any) -> None:
        """Send a message of the application; wait until the connection has room for it."""
        if message["type"] != FRAMES:
            await super().send(message)
            if self.close_sent and not self.handshake_complete:
                # The application has rejected the handshake with a status. uvicorn would log the
                # error that it has not completed the handshake.
                self.handshake_complete = True
            return
        await self.writable.wait()
        if not self.handshake_complete:
            raise RuntimeError("Frames were sent before the connection was accepted.")
        if not self._accepts_raw_frames():
            raise ClientDisconnected
        self._write(message["parts"])

    def _accepts_raw_frames(self) -> bool:
        # The connection is only open when it was accepted and neither side has closed it.
        return (
            self.conn.state is State.OPEN
            and self.handshake_complete
            and not self.disconnected
            and not self.transport.is_closing()
        )

    def _write(self, parts: Sequence[bytes]) -> None:
        if len(parts) == 1:
            self.transport.write(parts[0])
        else:
            self.transport.writelines(parts)
