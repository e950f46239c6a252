"""The HTTP API of accounts, sessions and API keys, and the base of all API views.

Views are thin over the services of `access`. On a site without users the URLs below `auth/` return
404. Source: docs/reference/tiled-protocol/http.md, "Authentication endpoints".
"""
