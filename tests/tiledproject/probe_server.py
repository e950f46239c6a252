"""The development server with an application that does what the path of a request names.

Run as a program, it prints the port it listens on.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl

import django

SENT: Counter[str] = Counter()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Return SENT over HTTP; over WebSocket do what the path names."""
    query = dict(parse_qsl(scope["query_string"].decode()))
    await receive()
    if scope["type"] == "http":
        body = json.dumps(SENT).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
        return
    match scope["path"]:
        case "/deny":
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            start = {"type": "websocket.http.response.start", "status": 401, "headers": headers}
            await send(start)
            body = b'{"detail":"Invalid API key"}'
            await send({"type": "websocket.http.response.body", "body": body})
        case "/reject":
            await send({"type": "websocket.close"})
        case "/fail":
            raise RuntimeError("the application failed before it accepted")
        case "/burst":
            await send({"type": "websocket.accept"})
            await burst(send, query)
        case "/empty":
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "bytes": b""})
            await send({"type": "websocket.close", "code": 1000})
        case "/listen":
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                pass


async def burst(send: Any, query: dict[str, str]) -> None:
    """Send `count` frames of `size` bytes, and at once a close with `code` and `reason`."""
    frame = bytes(int(query["size"]))
    for _ in range(int(query["count"])):
        await send({"type": "websocket.send", "bytes": frame})
        SENT[query["name"]] += 1
    close = {"type": "websocket.close", "code": int(query["code"]), "reason": query["reason"]}
    await send(close)


def main() -> None:
    """Serve on a free port until killed."""
    django.setup()
    from django.conf import settings

    from tiledproject.servers.daphne_server import BackpressureServer

    class ProbeServer(BackpressureServer):
        def listen_success(self, port: Any) -> None:
            print(port.getHost().port, flush=True)

    ProbeServer(
        application=application,
        endpoints=["tcp:port=0:interface=127.0.0.1"],
        websocket_max_message_size=settings.DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE,
        websocket_max_frame_size=settings.DAPHNE_WEBSOCKET_MAX_FRAME_SIZE,
    ).run()


if __name__ == "__main__":
    main()
