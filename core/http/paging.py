"""Limits of pages: how many items one has, and how far a listing can be read."""

MAX_PAGE = 300
DEFAULT_PAGE = 100
# Databases count in 64 bits, the page that follows included.
MAX_OFFSET = 2**63 - 2 - MAX_PAGE
