"""Parameters of a data source of HDF5 files, as Tiled defines them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiled_client.wire.errors import WireError
from tiled_client.wire.slices import NDSlice, parse_slice

from ...errors import Unsupported

LOCKING = (True, False, None, "best-effort")
SLICE_MARKS = re.compile(r"[()\s]")


@dataclass(frozen=True, slots=True)
class Options:
    """The path of the dataset or group, a slice of it, and the file locking and SWMR modes.

    `squeeze` is ignored: dimensions of length 1 do not matter.
    """

    dataset: str
    swmr: bool
    locking: bool | str | None
    part: NDSlice

    @classmethod
    def read(cls, parameters: Mapping[str, Any]) -> Options:
        """Parse the parameters; unknown ones are ignored. Raises Unsupported."""
        dataset = parameters.get("dataset") or "/"
        if isinstance(dataset, list) and all(isinstance(name, str) for name in dataset):
            dataset = "/".join(dataset)
        if not isinstance(dataset, str):
            raise Unsupported(f"HDF5 files are not supported with dataset={dataset!r:.80}.")
        locking = parameters.get("locking")
        if not isinstance(locking, bool | str | None) or locking not in LOCKING:
            raise Unsupported(f"HDF5 files are not supported with locking={locking!r:.80}.")
        return cls(dataset, bool(parameters.get("swmr")), locking, _part(parameters.get("slice")))


def _part(value: Any) -> NDSlice:
    """Parse a slice, `(:, 0:5)`, or a list of strings, one per dimension."""
    if value in (None, False, "", []):
        return ()
    parts = value if isinstance(value, list) else SLICE_MARKS.sub("", str(value)).split(",")
    texts = [SLICE_MARKS.sub("", str(part)) for part in parts]
    try:
        return parse_slice(",".join(texts).removesuffix(",...").removesuffix(","))
    except WireError as error:
        raise Unsupported(
            f"HDF5 files are not supported with slice={value!r:.80}: {error}"
        ) from error
