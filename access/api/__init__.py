"""The HTTP API of accounts, sessions and API keys, and the base of all API views.

Views are thin over the services of `access`. Source: the wire, "Authentication endpoints". On a
site without users the addresses below `auth/` do not exist: 404.
"""
