"""The User-Agent header of requests and of streams."""

from ..version import __version__

USER_AGENT = f"tiled-client/{__version__}"
