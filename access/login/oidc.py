"""OpenID Connect: redirect a browser to its provider, and validate the response.

The client library is imported at the first such login; most sites never need it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, HttpResponse

from core.errors import NotFound, Unauthorized, Unavailable

from ..config import authentication_settings
from ..providers import OidcProvider

TIMEOUT_SECONDS = 10
UNREACHABLE = "The login provider {} cannot be reached now. Try again later."


def get_provider(name: str) -> OidcProvider:
    """Return the OpenID Connect provider with this name. Raises NotFound."""
    provider = authentication_settings().oidc(name)
    if provider is None:
        raise NotFound("Not Found")
    return provider


def authorize_redirect(request: HttpRequest, provider: OidcProvider, back: str) -> HttpResponse:
    """Redirect to the provider, which redirects back to the URL `back`. Raises Unavailable."""
    import requests

    try:
        response: HttpResponse = _remote(provider).authorize_redirect(request, back)
    except (requests.RequestException, ValueError) as error:
        raise Unavailable(UNREACHABLE.format(provider.provider), retry_after=10) from error
    return response


def fetch_claims(request: HttpRequest, provider: OidcProvider) -> dict[str, Any]:
    """Return the claims of the validated ID token.

    Raises Unauthorized, Unavailable.
    """
    import requests
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    try:
        token = _remote(provider).authorize_access_token(request)
    except (AuthlibBaseError, JoseError) as error:
        raise Unauthorized(f"The login at {provider.provider} did not succeed: {error}") from error
    except requests.RequestException as error:
        raise Unavailable(UNREACHABLE.format(provider.provider), retry_after=10) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unauthorized(
            f"The answer of {provider.provider} to this login cannot be understood."
        ) from error
    claims = token.get("userinfo")
    if not claims:
        raise Unauthorized(f"{provider.provider} did not say who has logged in.")
    return dict(claims)


@lru_cache
def _remote(provider: OidcProvider) -> Any:
    from authlib.integrations.django_client import OAuth

    secret = provider.client_secret
    return OAuth().register(
        provider.provider,
        client_id=provider.client_id,
        client_secret=secret.get_secret_value() if secret else None,
        server_metadata_url=f"{provider.issuer}/.well-known/openid-configuration",
        client_kwargs={
            "scope": " ".join(provider.scopes),
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic" if secret else "none",
            "timeout": TIMEOUT_SECONDS,
        },
    )
