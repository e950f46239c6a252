"""Addresses of the web page, below `/ui/`."""

from __future__ import annotations

from django.urls import path, re_path

from . import login_views, views

urlpatterns = [
    path("", views.shell, name="web-home"),
    path("login", login_views.log_in, name="web-login"),
    path("logout", login_views.log_out, name="web-logout"),
    # Keys may hold any character, line breaks included.
    re_path(r"^browse/(?P<path>(?s:.*))$", views.shell, name="web-browse"),
    re_path(r"^live/(?P<path>(?s:.*))$", views.shell, name="web-live"),
]
