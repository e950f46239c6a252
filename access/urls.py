"""Addresses of the pages for logging in."""

from __future__ import annotations

from django.urls import path

from . import pages

urlpatterns = [
    path("<str:provider>", pages.begin_login, name="login-begin"),
    path("<str:provider>/code", pages.end_login, name="login-code"),
    path("<str:provider>/device", pages.device, name="login-device"),
]
