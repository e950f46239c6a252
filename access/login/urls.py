"""Addresses of the pages for logging in."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("<str:provider>", views.begin_login, name="login-begin"),
    path("<str:provider>/code", views.end_login, name="login-code"),
    path("<str:provider>/device", views.device, name="login-device"),
]
