"""The public names of live plots; see `tiled_client/__init__.pyi`."""

from .functions import image as image
from .functions import line as line
from .functions import table as table
from .plot import LivePlot as LivePlot
from .status import LiveStatus as LiveStatus

__all__: list[str]
