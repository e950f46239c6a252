"""How images are coloured: the colour map and its limits, as users write them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Limits = Literal["auto", "minmax", "frozen"] | tuple[float, float]

# Colour maps that notebooks and windows have; the name in matplotlib, if that is another one.
COLOUR_MAPS = {
    "viridis": "viridis",
    "cividis": "cividis",
    "inferno": "inferno",
    "magma": "magma",
    "plasma": "plasma",
    "greys": "gray",
    "cubehelix": "cubehelix",
    "turbo": "turbo",
    "blues": "Blues_r",
    "rdbu": "RdBu",
    "prgn": "PRGn",
    "spectral": "Spectral",
}
ALIASES = {"gray": "greys", "grey": "greys"}


@dataclass(frozen=True, slots=True)
class ImageLook:
    """The colour map of an image, its limits, and whether colours rise with the logarithm."""

    cmap: str = "viridis"
    limits: Limits = "auto"
    log: bool = False

    @classmethod
    def parse(cls, cmap: str, limits: Any, log: bool) -> ImageLook:
        """Validate the arguments of `live.image`. Raises ValueError."""
        name = ALIASES.get(cmap.lower(), cmap.lower())
        if name not in COLOUR_MAPS:
            raise ValueError(f"cmap must be one of {', '.join(COLOUR_MAPS)}, not {cmap!r}")
        return cls(name, _limits(limits), log)


def _limits(limits: Any) -> Limits:
    match limits:
        case "auto" | "minmax" | "frozen":
            return limits  # type: ignore[no-any-return]
        case str():
            pass
        case (low, high):
            if math.isfinite(low) and math.isfinite(high) and low < high:
                return float(low), float(high)
    raise ValueError(
        "limits must be 'auto', 'minmax', 'frozen', or the lower and the upper limit, as in "
        f"(0, 100), not {limits!r}"
    )
