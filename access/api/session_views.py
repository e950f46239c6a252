"""Sessions: log in with a password, refresh tokens, revoke."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from access.authentication.drf import KEY_COOKIE
from access.authentication.jwt_tokens import read_refresh
from access.config import authentication_settings
from access.login.password import log_in, refresh
from access.login.sessions import revoke_session
from core.errors import Conflict, Invalid, NotFound
from core.http.responses import render

from .auth_view import NO_STORE, AuthView, UnauthenticatedView, own_account, read_uuid
from .device_views import poll
from .documents import login_document, tokens_document
from .request_bodies import form, json_object, text_field


class TokenView(UnauthenticatedView):
    """`auth/provider/{provider}/token`: exchange a password, or a device code, for tokens."""

    def post(self, request: Request, provider: str) -> HttpResponse:
        """Log in."""
        if authentication_settings().oidc(provider) is not None:
            return poll(request, provider)
        fields = form(request, "username", "password")
        if fields.get("grant_type", "password") != "password":
            raise Invalid("grant_type must be password.")
        tokens = log_in(
            provider=provider,
            username=fields["username"],
            password=fields["password"],
            request=request._request,
        )
        return render(request, login_document(tokens), headers=NO_STORE)


class RefreshView(UnauthenticatedView):
    """`auth/session/refresh`."""

    def post(self, request: Request) -> HttpResponse:
        """Return a new pair of tokens."""
        tokens = refresh(text_field(json_object(request), "refresh_token"))
        return render(request, tokens_document(tokens), headers=NO_STORE)


class RevokeView(UnauthenticatedView):
    """`auth/session/revoke`: a refresh token is enough to end its session."""

    def post(self, request: Request) -> HttpResponse:
        """Revoke the session; idempotent."""
        session = read_refresh(text_field(json_object(request), "refresh_token"), expired=True)
        try:
            revoke_session(uuid=session)
        except NotFound as error:
            raise Conflict(error.detail) from None
        return HttpResponse(status=204)


class RevokeOneView(AuthView):
    """`auth/session/revoke/{session_id}`."""

    def delete(self, request: Request, session_id: str) -> HttpResponse:
        """Revoke a session of the requesting principal."""
        account = own_account(request)
        revoke_session(uuid=read_uuid(session_id, "The session"), account=account)
        return HttpResponse(status=204)


class LogoutView(UnauthenticatedView):
    """`auth/logout`: for browsers that hold a key in a cookie."""

    def post(self, request: Request) -> HttpResponse:
        """Delete the cookie."""
        response = render(request, {})
        response.delete_cookie(KEY_COOKIE, samesite="Lax")
        return response
