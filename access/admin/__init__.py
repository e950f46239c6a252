"""The admin pages of accounts, API keys and access tags. Importing it registers them."""

from . import accounts, api_keys, tags, users

__all__ = ["accounts", "api_keys", "tags", "users"]
