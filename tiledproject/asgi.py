"""The ASGI application that every server runs."""

import os

import django
from channels.routing import ProtocolTypeRouter
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiledproject.settings")
django.setup(set_prefix=False)

from streaming.routing import application as streams  # noqa: E402

from . import urls  # noqa: E402, F401  all that a first request would have to wait for
from .http import RequestThreads, WholeRequestHandler  # noqa: E402
from .lifespan import Lifespan  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": RequestThreads(ASGIStaticFilesHandler(WholeRequestHandler())),
        "websocket": streams,
        "lifespan": Lifespan(),
    }
)
