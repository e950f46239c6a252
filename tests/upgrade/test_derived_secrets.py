"""Digests that an earlier version stored or sent, of which this one must derive the same."""

from __future__ import annotations

from pytest_django import Settings

from access.authentication import jwt_tokens, throttling
from access.models import own_key


def test_tokens_and_digests_are_derived_as_before(settings: Settings) -> None:
    """Other salts would log out all users, and forget which names are being attacked."""
    settings.SECRET_KEY = "the secret of a site"
    assert jwt_tokens._secrets() == ["51a45eb9a0258b090eb9eb63aa37beb5035a91c1"]
    digest = int("7e569f975b91fa4a", 16)
    buckets = throttling.RULES["name"].buckets
    assert throttling._bucket("name", "alice") == f"name {digest % buckets}"
    assert own_key._digest("known", "own") == (
        "ba9123da2e1b9fec412b5b25a4bed677c0ec2f1eb8e5d2808ba485bc132482b4"
    )
