"""The cache of responses: in memory or on disk, reused when the server answers 304."""

from .cache import Cache as Cache
from .cache import cache_of as cache_of
