"""Models of access: accounts, keys, sessions, tags, grants, login attempts."""

from .accounts import Account as Account
from .accounts import Identity as Identity
from .keys import KEY_PREFIX_LENGTH as KEY_PREFIX_LENGTH
from .keys import SCOPES as SCOPES
from .keys import ApiKey as ApiKey
from .logins import Attempt as Attempt
from .logins import PendingLogin as PendingLogin
from .own_key import KeyHolder as KeyHolder
from .rights import Grant as Grant
from .rights import RightsState as RightsState
from .rights import Tag as Tag
from .rights import WellKnownHolder as WellKnownHolder
from .sessions import Session as Session
