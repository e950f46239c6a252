"""URL routes of the WebSockets."""

from __future__ import annotations

from channels.routing import URLRouter
from django.urls import re_path

from .sockets.consumers.ingest import IngestConsumer
from .sockets.consumers.single import RejectingConsumer, SingleStreamConsumer
from .sockets.consumers.subprotocols import multi_application

application = URLRouter(
    [
        # Keys may hold any character, line breaks included.
        re_path(r"^api/v1/stream/single/(?P<path>(?s:.*))$", SingleStreamConsumer.as_asgi()),
        re_path(r"^api/v1/stream/multi$", multi_application, {"path": ""}),
        re_path(r"^api/v1/ingest$", IngestConsumer.as_asgi(), {"path": ""}),
        re_path(r"", RejectingConsumer.as_asgi()),
    ]
)
