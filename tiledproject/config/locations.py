"""Where the code is, and the data unless settings say otherwise: in a checkout, or installed."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_data_path

PROJECT = Path(__file__).resolve().parents[2]


def default_data_dir() -> Path:
    """Return `data` in the checkout, or the data directory of the user of an installed server."""
    return PROJECT / "data" if is_checkout() else user_data_path("tiled-stream")


def is_checkout() -> bool:
    """Return whether this code is a checkout; else `PROJECT` is the folder of all packages."""
    return (PROJECT / "manage.py").is_file()


def private_code() -> list[Path]:
    """Return the checkout, which may contain keys and data.

    An installed server is among the packages, which the readers of files import from.
    """
    return [PROJECT] if is_checkout() else []
