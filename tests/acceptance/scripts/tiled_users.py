"""Tiled's client on a site with users: all of its methods for authentication."""

import sys
import tempfile
import threading
from pathlib import Path

import numpy
from tiled.client import from_context
from tiled.client.context import Context, PasswordRejected, password_grant
from tiled.client.utils import ClientError

uri, ada_password, alice_password, key = sys.argv[1:]


def context() -> Context:
    made, _ = Context.from_any_uri(uri)
    made.__class__._token_directory = lambda self: Path(tempfile.mkdtemp())
    return made


def log_in(name: str, password: str) -> Context:
    made = context()
    provider = made.server_info.authentication.providers[0]
    endpoint = provider.links["auth_endpoint"]
    tokens = password_grant(made.http_client, endpoint, provider.provider, name, password)
    made.configure_auth(tokens)
    print(provider.confirmation_message.format(id=tokens["identity"]["id"]))
    return made


def refused(act) -> str:
    try:
        act()
    except (ClientError, PasswordRejected) as error:
        return str(error.response.status_code)
    except Exception as error:  # noqa: BLE001  its error for an ended session
        return type(error).__name__
    return "not refused"


print(refused(lambda: log_in("alice", "wrong")))
alice = log_in("alice", alice_password)
print(alice.whoami()["identities"][0]["id"], "authenticated" in repr(alice))
client = from_context(alice)
x = client.write_array(numpy.array([1, 2, 3]), key=key)
alice.force_auth_refresh()
print(client[key].read().tolist())

heard = threading.Event()
sub = x.subscribe()


def on_new_data(update):
    print("heard", update.data().tolist())
    heard.set()


sub.new_data.add_callback(on_new_data)
sub.start_in_thread(1)
heard.wait(20)
sub.disconnect()
print("websocket" in [one["note"] for one in alice.whoami()["api_keys"]])

made = alice.create_api_key(
    scopes=["read:metadata", "read:data"], expires_in="1h", note="a display"
)
display = Context(alice.api_uri, api_key=made["secret"])
print(display.which_api_key()["note"], from_context(display)[key].read().tolist())
print(refused(lambda: from_context(display).write_array(numpy.ones(1))))
print(refused(lambda: alice.create_api_key(scopes=["admin:apikeys"])))
alice.revoke_api_key(made["first_eight"])
print(refused(lambda: from_context(display)[key].read()))

print(refused(lambda: alice.admin.list_principals()))
ada = log_in("ada", ada_password)
print({"alice", "ada"} <= {i["id"] for p in ada.admin.list_principals() for i in p["identities"]})
service = ada.admin.create_service_principal("user")
print(service["type"], ada.admin.show_principal(service["uuid"])["roles"][0]["name"])
bot = ada.admin.create_api_key(service["uuid"], note="a bot")
print(Context(alice.api_uri, api_key=bot["secret"]).whoami()["type"])
ada.admin.revoke_api_key(service["uuid"], bot["first_eight"])
print(refused(lambda: Context(alice.api_uri, api_key=bot["secret"]).whoami()))

sessions = [one["uuid"] for one in alice.whoami()["sessions"] if not one["revoked"]]
for session in sessions:
    alice.revoke_session(session)
print(refused(alice.force_auth_refresh))
alice.logout()
print(refused(lambda: from_context(alice)[key].read()))
