"""Convert the sections `authentication`, `database` and `access_control`."""

from __future__ import annotations

import re
from typing import Any

from .converted import ConfigurationSection, Converted

KEY = re.compile(r"[A-Za-z0-9_]+")
SAME = (
    "allow_anonymous_access",
    "access_token_max_age",
    "refresh_token_max_age",
    "session_max_age",
)
NO_PROVIDER = {
    "PAMAuthenticator": "accounts of this machine: run an OpenID Connect provider in front of PAM, "
    "or give users passwords here",
    "LDAPAuthenticator": "run an OpenID Connect provider, such as Keycloak, in front of LDAP",
    "SAMLAuthenticator": "run an OpenID Connect provider, such as Keycloak, in front of SAML",
    "DummyAuthenticator": "accepts any password: there is no such provider here",
}
CHECK = (
    "check issuer and id_claim, and register the callback address of this server with the "
    "provider: docs/how-to/give-people-access.md"
)
ENTRA = (
    ". Tiled derives the identifiers of users at Entra from issuer and sub: enter the identity of "
    "each user in the admin, as the claim id_claim has it"
)
LOCAL = {"DictionaryAuthenticator"}
OIDC = {"OIDCAuthenticator", "ProxiedOIDCAuthenticator", "EntraAuthenticator"}
POLICIES = {"TagBasedAccessPolicy": "tags", "DummyAccessPolicy": "none"}


def convert_authentication(converted: Converted, left: ConfigurationSection) -> None:
    """Take the three sections from `left`."""
    section = ConfigurationSection.of("authentication", left.take("authentication"))
    providers = section.take("providers", [])
    for one in providers:
        _provider(converted, ConfigurationSection.of("", one))
    for key in SAME:
        if (value := section.take(key)) is not None:
            converted.set("authentication", key, value)
    key = section.take("single_user_api_key")
    if key is not None and not providers and KEY.fullmatch(str(key)):
        converted.set("authentication", "single_user_api_key", str(key))
    for admin in section.take("tiled_admins", []):
        converted.admins.append((str(admin["provider"]), str(admin["id"])))
    if section.take("secret_keys"):
        converted.note(
            "authentication.secret_keys", "not needed: logins are not imported, users log in again"
        )
    for name in section.left():
        converted.note(name, "has no counterpart; see docs/reference/settings.md")
    database = ConfigurationSection.of("database", left.take("database"))
    converted.authentication = database.take("uri")
    _policy(converted, ConfigurationSection.of("access_control", left.take("access_control")))


def _provider(converted: Converted, provider: ConfigurationSection) -> None:
    name = str(provider.take("provider"))
    kind = str(provider.take("authenticator")).rpartition(":")[2]
    arguments = ConfigurationSection.of("", provider.take("args"))
    message = arguments.take("confirmation_message")
    found: dict[str, Any] = {"provider": name}
    if kind in LOCAL:
        found["kind"] = "django"
        passwords = arguments.take("users_to_passwords", {})
        converted.passwords.update({str(user): str(text) for user, text in passwords.items()})
    elif kind in OIDC:
        found |= _oidc(arguments)
        converted.note(
            f"authentication.providers, {name}", CHECK + (ENTRA if "Entra" in kind else "")
        )
    else:
        converted.note(
            f"authentication.providers, {name}",
            NO_PROVIDER.get(kind, f"the authenticator {kind} has no counterpart here"),
        )
        # Keys of users need a site with users: passwords can be given to them in the admin.
        found["kind"] = "django"
    if any(one.get("kind") == "django" for one in _providers(converted)) and (
        found["kind"] == "django"
    ):
        return
    if message:
        found["confirmation_message"] = message
    converted.set("authentication", "providers", [found])


def _providers(converted: Converted) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = converted.settings.get("authentication", {}).get("providers", [])
    return found


def _oidc(arguments: ConfigurationSection) -> dict[str, Any]:
    well_known = str(arguments.take("well_known_uri", ""))
    found: dict[str, Any] = {
        "kind": "oidc",
        "issuer": well_known.removesuffix("/.well-known/openid-configuration"),
        "client_id": arguments.take("client_id") or arguments.take("audience") or "",
    }
    if secret := arguments.take("client_secret"):
        found["client_secret"] = secret
    if claim := arguments.take("user_id_claim"):
        found["id_claim"] = claim
    if scopes := arguments.take("scopes"):
        found["scopes"] = [*scopes]
    return found


def _policy(converted: Converted, control: ConfigurationSection) -> None:
    policy = control.take("access_policy")
    if policy is None:
        return
    kind = str(policy).rpartition(":")[2]
    arguments = ConfigurationSection.of("", control.take("args"))
    converted.tag_provider = arguments.take("provider")
    if kind in POLICIES:
        converted.set("authentication", "access_policy", POLICIES[kind])
    else:
        converted.note(
            "access_control.access_policy",
            f"{policy} has no counterpart: grant access by tags, docs/how-to/share-nodes.md",
        )
