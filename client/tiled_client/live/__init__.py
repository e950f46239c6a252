"""Live plots: images, lines and tables of nodes that follow what is being written.

    from tiled_client import live

    live.image(client["detector"])
    live.line(client["log"], x="time", y="counts")

They are widgets in a notebook, and windows of matplotlib elsewhere. Both need the extra `live`.
"""

from .._lazy_exports import attach

__getattr__, __dir__ = attach(__name__, __file__)
