"""Registry of export formats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from core.http.media_types import EXTENSIONS
from tiled_client.wire.structure_family import StructureFamily

from ..config import export_settings
from .exports import Exporter

BUILT_IN = "catalog.formats.built_in"
FAMILIES = frozenset(family.value for family in StructureFamily)
ANY = ""


class Formats:
    """Exporters by the name of a structure family or of a spec, and by media type.

    The first media type of a family is its default. An exporter may be given as an import path,
    `package.module.function`: its libraries are then imported at the first request of the format.
    """

    def __init__(self) -> None:
        self._exporters: dict[str, dict[str, Exporter | str]] = {}
        self._families: dict[tuple[str, str], str] = {}
        self._extensions = dict(EXTENSIONS)

    def register(
        self,
        name: str,
        media_types: str | Iterable[str],
        exporter: Exporter | str,
        *,
        extensions: Iterable[str] = (),
        family: str | None = None,
    ) -> None:
        """Let `exporter` write data of the family or spec `name` as `media_types`.

        `extensions` (without the dot) are aliases of the first of these. A spec can be on a
        node of any family; `family` is the one that the exporter of a spec supports.
        """
        named = [media_types] if isinstance(media_types, str) else list(media_types)
        for media_type in named:
            self._exporters.setdefault(name, {})[media_type] = exporter
            self._families[name, media_type] = family or (name if name in FAMILIES else ANY)
        for extension in extensions:
            self._extensions[extension] = named[0]

    def media_types(self, specs: Sequence[str], family: str) -> dict[str, str]:
        """Return the media types for these specs and family, with the first name that has each."""
        found: dict[str, str] = {}
        for name in (*specs, family):
            for media_type in self._exporters.get(name, ()):
                if self._families[name, media_type] in (family, ANY):
                    found.setdefault(media_type, name)
        return found

    def default(self, family: str) -> str | None:
        """Return the default media type of a family."""
        return next(iter(self._exporters.get(family, ())), None)

    def exporter(self, name: str, media_type: str) -> Exporter:
        """Return the exporter, importing it if necessary. Raises KeyError."""
        exporter = self._exporters[name][media_type]
        if isinstance(exporter, str):
            exporter = self._exporters[name][media_type] = _import(exporter)
        return exporter

    def media_type_of(self, name: str) -> str:
        """Return the media type of an extension; return any other name unchanged."""
        return self._extensions.get(name.removeprefix("."), name)

    def listed(self) -> dict[str, list[str]]:
        """Return the media types by family and by spec."""
        return {name: list(known) for name, known in self._exporters.items()}

    def aliases(self) -> dict[str, dict[str, list[str]]]:
        """Return the extensions by family or spec, and by media type."""
        by_type: dict[str, list[str]] = {}
        for extension, media_type in self._extensions.items():
            by_type.setdefault(media_type, []).append(extension)
        return {
            name: {kind: by_type[kind] for kind in known if kind in by_type}
            for name, known in self._exporters.items()
        }


@cache
def formats() -> Formats:
    """Return the formats of this server: the built-in ones, and those of the site.

    Raises ImproperlyConfigured for a module in `export.formats` without `register`.
    """
    registry = Formats()
    for module in (BUILT_IN, *export_settings().formats):
        _register(registry, module)
    return registry


def _register(registry: Formats, module: str) -> None:
    try:
        register = import_module(module).register
    except (ImportError, AttributeError) as error:
        raise ImproperlyConfigured(
            f"export.formats: {module} has no function `register` to import ({error}). Set the "
            "path of a module that has one."
        ) from error
    register(registry)


def _import(path: str) -> Exporter:
    exporter: Exporter = import_string(path)
    return exporter
