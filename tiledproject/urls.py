"""URLs of the site: the API, the web page, the admin and the documentation."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from access.api.base import add_slash
from streaming.ingest.view import IngestView

from .http import health_views, openapi_views, views
from .http.metrics_view import MetricsView

urlpatterns = [
    path("api/v1/metrics", MetricsView.as_view(), name="metrics"),
    path("api/v1/ingest", IngestView.as_view(), name="ingest"),
    # Then the API, because the first match is taken, and these are requested most often.
    path("api/v1/", include("catalog.api.urls")),
    path("zarr/", include("catalog.api.data.zarr_urls")),
    path("", views.landing, name="landing"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
    path("docs", openapi_views.page, name="docs"),
    path("openapi.json", openapi_views.openapi, name="openapi"),
    path("ui/", include("web.urls")),
    path("login/", include("access.login.urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:index", query_string=True)),
    path("admin/", admin.site.urls),
    path("api/v1", add_slash),
]

handler400 = "tiledproject.http.views.bad_request"
handler403 = "tiledproject.http.views.permission_denied"
handler404 = "tiledproject.http.views.not_found"
handler500 = "tiledproject.http.views.server_error"
