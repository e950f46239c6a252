"""Input of a format: files, parameters, and the readable folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiled_client.wire.data_sources import Asset

from ..errors import OutsideReadable
from .uris import is_readable, resolve_uri


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one node, in order, with the parameters of its data source.

    The paths are resolved and in a readable folder; the files need not exist. `roles` are the
    parameters and numbers of the assets, if they are known.
    """

    paths: tuple[Path, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    roles: tuple[tuple[str | None, int | None], ...] = ()

    @classmethod
    def of(
        cls, assets: Iterable[Asset], parameters: Mapping[str, Any], readable: Sequence[Path]
    ) -> Sources:
        """Resolve the files of a data source. Raises Unsupported, OutsideReadable."""
        ordered = sorted(assets, key=lambda asset: asset.num or 0)
        paths = tuple(resolve_uri(asset.data_uri, readable) for asset in ordered)
        roles = tuple((asset.parameter, asset.num) for asset in ordered)
        return cls(paths, parameters, tuple(readable), roles)

    def confined(self, path: Path) -> Path:
        """Resolve the path of a file that one of these refers to. Raises OutsideReadable."""
        real = path.resolve()
        if not is_readable(real, self.readable):
            raise OutsideReadable(
                f"{self.paths[0]} refers to {path}, which is not in a readable folder "
                "(storage.readable)."
            )
        return real
