"""Pages of the web interface: one shell, whose scripts read the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.encoding import escape_uri_path
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from access.authentication.csrf import csrf_token, is_own_navigation, set_csrf_cookie
from access.authentication.drf import KEY_COOKIE
from access.login.browser import CurrentLogin, current_login, log_in_with_key
from access.principals import Scope
from core.errors import ServiceError, Unauthorized
from core.http.urls import API, root_path

from .pages import error_page, page

KEY_PARAMETER = "api_key"


@require_safe
@never_cache
def shell(request: HttpRequest, path: str = "") -> HttpResponse:
    """Return the page, whose scripts show what the address names; or where to log in."""
    try:
        if KEY_PARAMETER in request.GET:
            return _log_in_by_link(request)
        login = current_login(request)
    except Unauthorized:
        response = _to_login(request)
        response.delete_cookie(KEY_COOKIE, samesite="Lax")
        return response
    except ServiceError as error:
        return error_page(error.status, "Not now", error.detail, error.headers)
    if Scope.read_metadata in login.principal.scopes:
        return _shell(request, login)
    if not login.name:
        return _to_login(request)
    return _with_csrf_token(request, "web/no_access.html", {"name": login.name}, status=403)


def login_address(request: HttpRequest) -> str:
    """Return the address of the login page, which leads back to this one."""
    return f"{reverse('web-login')}?{urlencode({'next': _address_without_key(request)})}"


def _address_without_key(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop(KEY_PARAMETER, None)
    return escape_uri_path(request.path) + (f"?{query.urlencode()}" if query else "")


def _shell(request: HttpRequest, login: CurrentLogin) -> HttpResponse:
    context = {
        "api": root_path(request) + API,
        "ui": reverse("web-home").rstrip("/"),
        "root": root_path(request),
        "login": login,
        "login_address": login_address(request),
    }
    return _with_csrf_token(request, "web/shell.html", context)


def _log_in_by_link(request: HttpRequest) -> HttpResponse:
    """Log in with the key in the address, and remove it from there.

    A link on a page of another site has no such effect: it could have the visitor act with the
    key of an attacker.
    """
    response = HttpResponseRedirect(_address_without_key(request))
    if is_own_navigation(request):
        log_in_with_key(request, request.GET[KEY_PARAMETER])
        response.delete_cookie(KEY_COOKIE, samesite="Lax")
    return response


def _to_login(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(login_address(request))


def _with_csrf_token(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Return a page with the token that requests with side effects repeat, and its cookie."""
    token = csrf_token(request)
    response = page(request, template, {**context, "csrf": token}, status=status)
    set_csrf_cookie(request, response, token)
    return response
