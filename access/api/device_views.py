"""Device flow: start it and poll for tokens; the pages are in `access.login.views`."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from rest_framework.request import Request

from access.authentication.client_address import client_address
from access.login.device_flow import POLL_INTERVAL_SECONDS, AuthorizationPending, exchange, start
from access.login.oidc import get_provider
from core.errors import Invalid
from core.http.responses import JSON, json_bytes, render
from core.http.urls import base_url, origin

from .auth_view import NO_STORE, UnauthenticatedView
from .documents import login_document
from .request_bodies import json_object, text_field

DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class AuthorizeView(UnauthenticatedView):
    """`auth/provider/{provider}/authorize`."""

    def post(self, request: Request, provider: str) -> HttpResponse:
        """Return a user code to show, and a device code to poll with."""
        get_provider(provider)
        begun = start(provider=provider, address=client_address(request._request))
        base = base_url(request)
        told = {
            "authorization_uri": f"{origin(request)}{reverse('login-device', args=[provider])}",
            "verification_uri": f"{base}/auth/provider/{provider}/token",
            "interval": POLL_INTERVAL_SECONDS,
            "device_code": begun.device_code,
            "expires_in": begun.seconds,
            "user_code": begun.user_code,
        }
        return render(request, told, headers=NO_STORE)

    def get(self, request: Request, provider: str) -> HttpResponse:
        """Redirect to the page that logs the browser in."""
        get_provider(provider)
        return HttpResponseRedirect(reverse("login-begin", args=[provider]))


class DevicePageView(UnauthenticatedView):
    """`auth/provider/{provider}/device_code`."""

    def get(self, request: Request, provider: str) -> HttpResponse:
        """Redirect to the page where the user code is entered."""
        get_provider(provider)
        return HttpResponseRedirect(reverse("login-device", args=[provider]))


def poll(request: Request, provider: str) -> HttpResponse:
    """Return tokens for a terminal once it was approved. Raises ServiceError."""
    get_provider(provider)
    body = json_object(request)
    if body.get("grant_type") != DEVICE_CODE_GRANT:
        raise Invalid(f"grant_type must be {DEVICE_CODE_GRANT}.")
    address = client_address(request._request)
    code = text_field(body, "device_code")
    try:
        tokens = exchange(provider=provider, device_code=code, address=address)
    except AuthorizationPending:
        # Clients expect an object in `detail` here, not a sentence.
        told = {"detail": {"error": "authorization_pending"}}
        return HttpResponse(json_bytes(told), status=400, content_type=JSON)
    return render(request, login_document(tokens), headers=NO_STORE)
