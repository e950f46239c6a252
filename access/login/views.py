"""Login pages: at an identity provider, and for a terminal (device flow)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_script_prefix, reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from core.audit import audit
from core.errors import ServiceError

from ..models import Identity
from .browser import log_in_user, of_this_site
from .device_flow import approve
from .identities import get_or_create_identity
from .oidc import authorize_redirect, fetch_claims, get_provider

NEXT_URL_KEY = "access_next"
IDENTITY_KEY = "access_identity"


@require_GET
@never_cache
def begin_login(request: HttpRequest, provider: str) -> HttpResponse:
    """Redirect to the provider, and afterwards to the page `next` of this site."""
    try:
        known = get_provider(provider)
        wanted = of_this_site(request, request.GET.get("next", ""), get_script_prefix())
        request.session[NEXT_URL_KEY] = wanted
        back = request.build_absolute_uri(reverse("login-code", args=[provider]))
        return authorize_redirect(request, known, back)
    except ServiceError as error:
        return _refused(request, error)


@require_GET
@never_cache
def end_login(request: HttpRequest, provider: str) -> HttpResponse:
    """Log in after the provider's redirect, and continue to the page that started it."""
    afterwards = request.session.get(NEXT_URL_KEY, get_script_prefix())
    try:
        known = get_provider(provider)
        identity = get_or_create_identity(provider=known, claims=fetch_claims(request, known))
    except ServiceError as error:
        audit("login_failed", provider=provider, reason=error.detail)
        return _refused(request, error)
    assert identity.account.user is not None
    log_in_user(request, identity.account.user)
    request.session[IDENTITY_KEY] = identity.pk
    return HttpResponseRedirect(afterwards)


@require_http_methods(["GET", "POST"])
@never_cache
def device(request: HttpRequest, provider: str) -> HttpResponse:
    """Show and process the form for a terminal's user code."""
    try:
        get_provider(provider)
    except ServiceError as error:
        return _refused(request, error)
    identity = _identity(request, provider)
    if identity is None:
        here = reverse("login-device", args=[provider])
        begin = reverse("login-begin", args=[provider])
        return HttpResponseRedirect(f"{begin}?{urlencode({'next': here})}")
    context: dict[str, object] = {"identity": identity}
    if request.method == "GET":
        return render(request, "access/device.html", context)
    try:
        approve(user_code=request.POST.get("user_code", ""), identity=identity)
    except ServiceError as error:
        context["error"] = error.detail
        return render(request, "access/device.html", context, status=error.status)
    return render(request, "access/device_done.html", context)


def _identity(request: HttpRequest, provider: str) -> Identity | None:
    """Return the identity of this browser at `provider`, if it is logged in and enabled."""
    known = request.session.get(IDENTITY_KEY)
    if known is None or not request.user.is_authenticated:
        return None
    found = Identity.objects.select_related("account").filter(
        pk=known, provider=provider, account__user=request.user
    )
    return found.first()


def _refused(request: HttpRequest, error: ServiceError) -> HttpResponse:
    context = {"error": error.detail}
    return render(request, "access/refused.html", context, status=error.status)
