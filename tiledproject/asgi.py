"""The ASGI application that every server runs."""

import os

import django
from channels.routing import ProtocolTypeRouter
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tiledproject.settings")
django.setup(set_prefix=False)

from catalog.storage import confined_processes  # noqa: E402
from core.metrics.families import installed  # noqa: E402
from core.metrics.sources import on_tick  # noqa: E402
from streaming import server_exchange  # noqa: E402
from streaming.routing import application as streams  # noqa: E402
from streaming.writing import outbox_worker  # noqa: E402

from . import urls  # noqa: E402, F401  all that a first request would have to wait for
from .http.access_log import AccessLog  # noqa: E402
from .http.application import HttpApplication  # noqa: E402
from .http.cors import WebSocketOriginGuard  # noqa: E402
from .http.handlers import RequestHandler  # noqa: E402
from .http.lifespan import Lifespan  # noqa: E402
from .http.process_metrics import (  # noqa: E402
    ProcessSampler,
    SampledApplication,
    describe_start,
)
from .http.root_path import RootPathMiddleware  # noqa: E402
from .http.static_files import StaticFiles  # noqa: E402
from .http.tracing import tracer_of  # noqa: E402
from .http.trusted_proxies import TrustedProxyMiddleware  # noqa: E402
from .servers import cleanup  # noqa: E402
from .site_agreement import setting_facts  # noqa: E402
from .site_secrets import secret_facts  # noqa: E402

requests = HttpApplication(
    RequestHandler(),
    max_body_bytes=settings.TILED.server.max_body_bytes,
    folder=settings.TILED.storage.directory,
    limits=settings.TILED.budgets,
    tracer=tracer_of(settings.TILED.tracing),
)
server = settings.TILED.server
routes = ProtocolTypeRouter(
    {
        "http": StaticFiles(requests, settings.STATIC_URL),
        "websocket": WebSocketOriginGuard(
            streams, hosts=settings.ALLOWED_HOSTS, origins=server.allow_origins
        ),
        "lifespan": Lifespan(requests.finish),
    }
)
logged = AccessLog(routes, lambda: settings.TILED.logs)
mounted = RootPathMiddleware(logged, server.root_path)
application = SampledApplication(TrustedProxyMiddleware(mounted, server.trusted_proxies))

on_tick(requests.sample)
if installed().rows == 1:
    describe_start(1)  # there is no supervisor
on_tick(ProcessSampler(installed().row).sample)

outbox_worker.start()
cleanup.start()
server_exchange.start(lambda: secret_facts(settings.TILED) | setting_facts(settings.TILED))
if settings.TILED.storage.readable:
    confined_processes.start()
