"""Python client of a server that stores scientific data and streams it while it is written.

    client = from_uri("http://localhost:8000", api_key="...")
    x = client.write_array(numpy.array([1, 2, 3]), key="x")
    x.subscribe().start_in_thread(0)

The public names are listed in `__init__.pyi` and imported on first use, so that a server, which
needs the wire format alone (`tiled_client.wire`), loads nothing else.
"""

from ._lazy_exports import attach
from .version import __version__ as __version__

__getattr__, __dir__ = attach(__name__, __file__)
