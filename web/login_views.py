"""The pages for logging in and out."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from access.authentication.credentials import anonymous_principal
from access.authentication.csrf import CSRF_COOKIE, CsrfFailed, check_csrf_token
from access.authentication.drf import KEY_COOKIE
from access.config import authentication_settings
from access.login import browser
from access.providers import OidcProvider
from core.errors import ServiceError
from core.http.origins import is_same_origin

from .pages import error_page, page

# What a form of a page, or a script, repeats of the cookie.
CSRF_FIELD = "csrfmiddlewaretoken"


class SeeOther(HttpResponseRedirect):
    """Redirect to be followed by GET after a form was sent."""

    status_code = 303


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def log_in(request: HttpRequest) -> HttpResponse:
    """Show the ways to log in, or log in with what was entered, and lead on to `next`."""
    given = request.POST if request.method == "POST" else request.GET
    afterwards = browser.of_this_site(request, given.get("next", ""), reverse("web-home"))
    if request.method != "POST":
        return _form(request, afterwards)
    try:
        if "api_key" in request.POST:
            browser.log_in_with_key(request, request.POST["api_key"])
        else:
            username = request.POST.get("username", "")
            browser.log_in_with_password(request, username, request.POST.get("password", ""))
    except ServiceError as error:
        return _form(request, afterwards, error)
    response = SeeOther(afterwards)
    # The API would prefer the key that the browser had before.
    response.delete_cookie(KEY_COOKIE, samesite="Lax")
    return response


@csrf_exempt
@require_POST
@never_cache
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session. The CSRF token is that of the API, which scripts of the page know."""
    try:
        _check_origin(request)
        said = request.headers.get("X-CSRF") or request.POST.get(CSRF_FIELD)
        check_csrf_token(request.COOKIES.get(CSRF_COOKIE), said)
    except CsrfFailed as error:
        return error_page(error.status, "Not logged out", error.detail)
    browser.log_out(request)
    response = SeeOther(reverse("web-login"))
    response.delete_cookie(KEY_COOKIE, samesite="Lax")
    return response


def _check_origin(request: HttpRequest) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and not is_same_origin(origin, request.get_host()):
        raise CsrfFailed("This form was sent by a page of another site.")


def _form(request: HttpRequest, afterwards: str, error: ServiceError | None = None) -> HttpResponse:
    settings = authentication_settings()
    context = {
        "next": afterwards,
        "error": error.detail if error else "",
        "wrong": ("api_key" if "api_key" in request.POST else "password") if error else "",
        "username": request.POST.get("username", ""),
        "passwords": settings.local is not None,
        "providers": [p.provider for p in settings.providers if isinstance(p, OidcProvider)],
        "public": bool(anonymous_principal().scopes),
    }
    status, headers = (error.status, error.headers) if error else (200, {})
    return page(request, "web/login.html", context, status=status, headers=headers)
