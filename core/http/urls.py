"""Addresses of the API as the client reaches it, also behind a proxy."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

ROOT_PATH = "/api"
API = f"{ROOT_PATH}/v1"


def base_url(request: Request | HttpRequest) -> str:
    """Return the API's root as the client reached it, without a slash at the end."""
    return f"{origin(request)}{root_path(request)}{API}"


def origin(request: Request | HttpRequest) -> str:
    """Return scheme and host as the client reached them, without a path."""
    proto = request.META.get("HTTP_X_FORWARDED_PROTO") or request.scheme
    host = request.META.get("HTTP_X_FORWARDED_HOST") or request.META.get("HTTP_HOST")
    return f"{proto}://{host or request.get_host()}"


def root_path(request: Request | HttpRequest) -> str:
    """Return the path below which the client reaches the site, such as `/tiled`; or nothing."""
    return str(request.META.get("SCRIPT_NAME", ""))
