"""Where everything is reached: the API, the admin, a page that says what this is."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from catalog.api.base import add_slash

from . import documentation, views

urlpatterns = [
    # First, because the first that fits is taken, and these are asked for thousands of times.
    path("api/v1/", include("catalog.api.urls")),
    path("zarr/", include("catalog.api.zarr")),
    path("", views.landing, name="landing"),
    path("healthz", views.healthz, name="healthz"),
    path("docs", documentation.page, name="docs"),
    path("openapi.json", documentation.openapi, name="openapi"),
    path("login/", include("access.urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:index", query_string=True)),
    path("admin/", admin.site.urls),
    path("api/v1", add_slash),
]

handler400 = "tiledproject.views.bad_request"
handler404 = "tiledproject.views.not_found"
handler500 = "tiledproject.views.server_error"
