"""Addresses of the streams."""

from __future__ import annotations

from channels.routing import URLRouter
from django.urls import re_path

from .sockets.consumers.single import NoSuchStream, StreamConsumer
from .sockets.messages.subprotocols import multi

application = URLRouter(
    [
        # Keys may hold any character, line breaks included.
        re_path(r"^api/v1/stream/single/(?P<path>(?s:.*))$", StreamConsumer.as_asgi()),
        re_path(r"^api/v1/stream/multi$", multi, {"path": ""}),
        re_path(r"", NoSuchStream.as_asgi()),
    ]
)
