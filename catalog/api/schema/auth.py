"""Login, API keys and principals in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from access.api.api_key_views import OwnKeysView, PrincipalKeysView
from access.api.device_views import AuthorizeView, DevicePageView
from access.api.principal_views import MAX_PAGE_SIZE, PrincipalsView, PrincipalView, WhoAmIView
from access.api.request_bodies import FORM
from access.api.session_views import LogoutView, RefreshView, RevokeOneView, RevokeView, TokenView
from access.roles import Role

from .operations import JSON, Decorator, document, operation, reference
from .parameters import PAGE_OFFSET, integer, query, text
from .structures import OBJECT, or_null

NO_USERS = (404,)
DONE = {204: "Done."}
FIRST_EIGHT = text(
    "first_eight", "The first eight hexadecimal digits, which identify the key.", required=True
)
LIMIT = integer("page[limit]", "Maximum number of items.", high=MAX_PAGE_SIZE, default=100)
ROLE = query(
    "role",
    {"type": "string", "enum": [role.value for role in Role]},
    "The role of the service.",
    required=True,
)


def _part(name: str, description: str, uuid: bool = False) -> OpenApiParameter:
    schema = {"type": "string", **({"format": "uuid"} if uuid else {})}
    return OpenApiParameter(name, schema, OpenApiParameter.PATH, description=description)


PROVIDER = _part(
    "provider", "The name of the login provider, as in the response of `GET /api/v1/`."
)
UUID = _part("uuid", "The UUID of the principal.", uuid=True)
SESSION = _part("session_id", "The UUID of a session of the principal.", uuid=True)


def _page() -> Decorator:
    return operation(
        answers={},
        parameters=[PROVIDER],
        refused=NO_USERS,
        of_a_node=False,
        others={302: "Redirect to the page."},
    )


extend_schema_view(
    get=operation(
        answers=document(or_null(reference("Principal"))), refused=NO_USERS, of_a_node=False
    )
)(WhoAmIView)
extend_schema_view(
    post=operation(
        answers=document(reference("MadeKey")),
        body={JSON: reference("WantedKey")},
        refused=NO_USERS,
        of_a_node=False,
    ),
    get=operation(answers=document(reference("Key")), refused=NO_USERS, of_a_node=False),
    delete=operation(
        answers={}, parameters=[FIRST_EIGHT], refused=NO_USERS, of_a_node=False, others=DONE
    ),
)(OwnKeysView)
extend_schema_view(
    post=operation(
        answers=document(reference("MadeKey")),
        parameters=[UUID],
        body={JSON: reference("WantedKey")},
        refused=NO_USERS,
        of_a_node=False,
    ),
    delete=operation(
        answers={}, parameters=[UUID, FIRST_EIGHT], refused=NO_USERS, of_a_node=False, others=DONE
    ),
)(PrincipalKeysView)
extend_schema_view(
    get=operation(
        answers=document({"type": "array", "items": reference("Principal")}),
        parameters=[PAGE_OFFSET, LIMIT],
        refused=NO_USERS,
        of_a_node=False,
    ),
    post=operation(
        answers=document(reference("Principal")),
        parameters=[ROLE],
        refused=NO_USERS,
        of_a_node=False,
    ),
)(PrincipalsView)
extend_schema_view(
    get=operation(
        answers=document(reference("Principal")),
        parameters=[UUID],
        refused=NO_USERS,
        of_a_node=False,
    )
)(PrincipalView)
extend_schema_view(
    post=operation(
        answers=document(reference("LoggedIn")),
        parameters=[PROVIDER],
        body={FORM: reference("Password"), JSON: reference("DeviceCode")},
        refused=(404, 429, 503),
        of_a_node=False,
    )
)(TokenView)
extend_schema_view(
    post=operation(
        answers=document(reference("Tokens")),
        body={JSON: reference("RefreshToken")},
        refused=NO_USERS,
        of_a_node=False,
    )
)(RefreshView)
extend_schema_view(
    post=operation(
        answers={},
        body={JSON: reference("RefreshToken")},
        refused=(404, 409),
        of_a_node=False,
        others=DONE,
    )
)(RevokeView)
extend_schema_view(
    delete=operation(
        answers={}, parameters=[SESSION], refused=NO_USERS, of_a_node=False, others=DONE
    )
)(RevokeOneView)
extend_schema_view(post=operation(answers=document({**OBJECT}), refused=NO_USERS, of_a_node=False))(
    LogoutView
)
extend_schema_view(
    post=operation(
        answers=document(reference("Device")),
        parameters=[PROVIDER],
        refused=(404, 429),
        of_a_node=False,
    ),
    get=_page(),
)(AuthorizeView)
extend_schema_view(get=_page())(DevicePageView)
