"""The ASGI application that every server runs."""

import os

import django
from channels.routing import ProtocolTypeRouter
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiledproject.settings")
django.setup(set_prefix=False)

from catalog.storage import processes  # noqa: E402
from streaming.routing import application as streams  # noqa: E402
from streaming.writing import drain  # noqa: E402

from . import sweeping, urls  # noqa: E402, F401  all that a first request would have to wait for
from .handlers import RequestHandler  # noqa: E402
from .http import HttpApplication  # noqa: E402
from .lifespan import Lifespan  # noqa: E402
from .named_sockets import NamedSockets  # noqa: E402
from .origins import SocketsFromHere  # noqa: E402
from .proxies import KnownProxies  # noqa: E402
from .static_files import StaticFiles  # noqa: E402

requests = HttpApplication(
    RequestHandler(),
    largest_body=settings.TILED.server.largest_body,
    folder=settings.TILED.storage.directory,
    limits=settings.TILED.budgets,
)
server = settings.TILED.server
routes = ProtocolTypeRouter(
    {
        "http": StaticFiles(requests, settings.STATIC_URL),
        "websocket": NamedSockets(
            SocketsFromHere(streams, hosts=settings.ALLOWED_HOSTS, origins=server.allow_origins)
        ),
        "lifespan": Lifespan(requests.finish),
    }
)
application = KnownProxies(routes, server.trusted_proxies)

drain.start()
sweeping.start()
if settings.TILED.storage.readable:
    processes.start()
