"""Where everything is reached: the API, the admin, a page that says what this is."""

from django.contrib import admin
from django.urls import include, path

from . import views

urlpatterns = [
    path("", views.landing, name="landing"),
    path("healthz", views.healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("catalog.api.urls")),
]

handler404 = "tiledproject.views.not_found"
