"""Export formats: a registry of exporters by structure family and by spec.

To add a format, write a function that takes an `Export` and register it; a site does so with the
setting `export.formats`, without touching this package.
"""

from .exports import Body, Export, Exporter
from .registry import Formats, formats

__all__ = ["Body", "Export", "Exporter", "Formats", "formats"]
