"""Addresses below `auth/`."""

from __future__ import annotations

from django.urls import re_path

from .api_key_views import OwnKeysView, PrincipalKeysView
from .device_views import AuthorizeView, DevicePageView
from .principal_views import PrincipalsView, PrincipalView, WhoAmIView
from .session_views import LogoutView, RefreshView, RevokeOneView, RevokeView, TokenView

_PROVIDER = r"^provider/(?P<provider>[^/]+)"

urlpatterns = [
    re_path(r"^whoami\Z", WhoAmIView.as_view()),
    re_path(r"^apikey\Z", OwnKeysView.as_view()),
    re_path(r"^session/refresh\Z", RefreshView.as_view()),
    re_path(r"^session/revoke\Z", RevokeView.as_view()),
    re_path(r"^session/revoke/(?P<session_id>[^/]+)\Z", RevokeOneView.as_view()),
    re_path(r"^logout\Z", LogoutView.as_view()),
    re_path(r"^principal\Z", PrincipalsView.as_view()),
    re_path(r"^principal/(?P<uuid>[^/]+)\Z", PrincipalView.as_view()),
    re_path(r"^principal/(?P<uuid>[^/]+)/apikey\Z", PrincipalKeysView.as_view()),
    re_path(rf"{_PROVIDER}/token\Z", TokenView.as_view()),
    re_path(rf"{_PROVIDER}/authorize\Z", AuthorizeView.as_view()),
    re_path(rf"{_PROVIDER}/device_code\Z", DevicePageView.as_view()),
]
