"""Names of links in HDF5 groups: bytes in the file, strings in the catalog.

Names are usually UTF-8. Other names are decoded as Latin-1 or, if another link has that name, with
the invalid bytes escaped (`\\xf6`). Each can be listed, and opened by its listed name.
"""

from __future__ import annotations

import h5py


def names(group: h5py.Group) -> list[str]:
    """Return the distinct names in a group, in the order of the file."""
    raw = [_bytes(name) for name in group]
    odd = _odd(raw)
    return [odd.get(name) or name.decode() for name in raw]


def raw_name(group: h5py.Group, key: str) -> bytes | None:
    """Return the bytes of the link that is listed as `key`, or None if there is none."""
    if key in ("", ".") or "\0" in key or "/" in key:
        return None
    raw = key.encode("utf-8", "surrogateescape")
    if group.id.links.exists(raw):
        return raw
    if key.isascii() and "\\" not in key:
        return None  # the name in the file equals the listed one
    odd = _odd([_bytes(name) for name in group])
    return next((raw for raw, shown in odd.items() if shown == key), None)


def link_at(group: h5py.Group, raw: bytes) -> h5py.SoftLink | h5py.ExternalLink | None:
    """Return a soft or external link; None for a hard link."""
    links = group.id.links
    match links.get_info(raw).type:
        case h5py.h5l.TYPE_SOFT:
            return h5py.SoftLink(_text(links.get_val(raw)))
        case h5py.h5l.TYPE_EXTERNAL:
            file, path = links.get_val(raw)
            return h5py.ExternalLink(_text(file), _text(path))
    return None


def _odd(raw: list[bytes]) -> dict[bytes, str]:
    """Return the names that are not UTF-8, with their listed names."""
    odd = [name for name in raw if not _is_utf8(name)]
    taken = {name.decode() for name in raw if _is_utf8(name)} if odd else set()
    shown: dict[bytes, str] = {}
    for name in odd:
        text = name.decode("latin-1")
        shown[name] = name.decode("utf-8", "backslashreplace") if text in taken else text
        taken.add(shown[name])
    return shown


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _bytes(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


def _text(name: str | bytes) -> str:
    return _bytes(name).decode("utf-8", "surrogateescape")
