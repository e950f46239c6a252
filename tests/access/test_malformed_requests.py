"""Whatever is asked below `auth/` and `login/`, the answer is never that the server broke."""

from __future__ import annotations

import json
import os
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz import malformed_requests
from tests.in_process_server import answer

from .conftest import LOCAL, visitor, with_authentication

AWAY = {"provider": "away", "kind": "oidc", "issuer": "http://localhost:9", "client_id": "x"}
API = "/api/v1/auth/"
ADDRESSES = [
    *(f"{API}{name}" for name in ("whoami", "apikey", "principal", "logout", "x")),
    *(f"{API}session/{name}" for name in ("refresh", "revoke", "revoke/{}")),
    *(f"{API}principal/{name}" for name in ("{}", "{}/apikey")),
    *(
        f"{API}provider/{provider}/{name}"
        for provider in ("local", "away", "{}")
        for name in ("token", "authorize", "device_code")
    ),
    *(f"/login/{provider}" for provider in ("away", "away/code", "away/device", "{}")),
]
WORDS = st.sampled_from(
    [*malformed_requests.VALUES, *malformed_requests.LONG, "0" * 32, "ä", "\0", "urn:uuid:"]
)
NAMES = "first_eight role page[offset] page[limit] offset api_key csrf next code state error"
queries = st.lists(st.tuples(st.sampled_from(NAMES.split()), WORDS), max_size=3).map(
    lambda pairs: "&".join(f"{name}={quote(value, safe='%[]')}" for name, value in pairs)
)
KEYS = "scopes expires_in access_tags note refresh_token device_code grant_type username password"
documents = st.dictionaries(
    st.sampled_from(KEYS.split()),
    malformed_requests.documents | WORDS | st.sampled_from(["inherit", "read:data"]),
    max_size=4,
)
forms = st.dictionaries(st.sampled_from(KEYS.split()), WORDS, max_size=4).map(
    lambda fields: "&".join(f"{name}={quote(value, safe='%')}" for name, value in fields.items())
)
bodies = (
    malformed_requests.bodies
    | documents.map(lambda value: json.dumps(value).encode())
    | forms.map(str.encode)
)
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))
FORM = "application/x-www-form-urlencoded"
NONE: dict[str, str] = {}


@pytest.fixture
def token(site: object, settings: object, admin: User) -> str:
    with_authentication(settings, providers=[LOCAL, AWAY])
    return visitor("ada", "engine").authorization or ""


@settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]),
    address=st.sampled_from(ADDRESSES),
    word=WORDS,
    query=queries,
    body=bodies,
    media_type=st.sampled_from(["application/json", FORM]) | malformed_requests.types,
    fields=malformed_requests.fields,
    known=st.booleans(),
)
@example(
    "POST", f"{API}provider/local/token", "", "", b"username=%FF&password=%00", FORM, NONE, False
)
@example("DELETE", f"{API}session/revoke/{{}}", "x", "", b"", "", NONE, True)
@example("DELETE", f"{API}apikey", "", "first_eight=%00", b"", "", NONE, True)
def test_no_request_causes_an_internal_error(
    token: str,
    method: str,
    address: str,
    word: str,
    query: str,
    body: bytes,
    media_type: str,
    fields: dict[str, str],
    known: bool,
) -> None:
    headers = {name: _as_sent(value) for name, value in fields.items() if name != "content-length"}
    if known:
        headers["authorization"] = token
    target = f"{address.format(quote(word, safe='%'))}?{query}"
    got = answer(method, target, body, {"content-type": _as_sent(media_type), **headers})
    # The provider that is away is no fault of ours.
    assert got.status < 500 or (got.status == 503 and "/login/away" in address), got


def _as_sent(text: str) -> str:
    return text.encode().decode("latin-1")
