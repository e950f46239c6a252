"""Names of links in HDF5 groups: bytes in the file, text in the catalog.

A name is UTF-8 as a rule. One that is not is shown as Latin-1, or, where another link has that name
already, with its odd bytes escaped (`\\xf6`); either way it can be listed, and opened by what is
shown.
"""

from __future__ import annotations

import h5py


def names(group: h5py.Group) -> list[str]:
    """Return the names in a group, in the file's order, each of them once."""
    raw = [_bytes(name) for name in group]
    odd = _odd(raw)
    return [odd.get(name) or name.decode() for name in raw]


def raw_name(group: h5py.Group, key: str) -> bytes | None:
    """Return the bytes of the link that is shown as `key`, or None if there is none."""
    if key in ("", ".") or "\0" in key or "/" in key:
        return None
    raw = key.encode("utf-8", "surrogateescape")
    if group.id.links.exists(raw):
        return raw
    if key.isascii() and "\\" not in key:
        return None  # such a name stands in the file as it is
    odd = _odd([_bytes(name) for name in group])
    return next((raw for raw, shown in odd.items() if shown == key), None)


def link_at(group: h5py.Group, raw: bytes) -> h5py.SoftLink | h5py.ExternalLink | None:
    """Return a soft or an external link; None for a link to an object of this file."""
    links = group.id.links
    match links.get_info(raw).type:
        case h5py.h5l.TYPE_SOFT:
            return h5py.SoftLink(_text(links.get_val(raw)))
        case h5py.h5l.TYPE_EXTERNAL:
            file, path = links.get_val(raw)
            return h5py.ExternalLink(_text(file), _text(path))
    return None


def _odd(raw: list[bytes]) -> dict[bytes, str]:
    """Return the names that are not UTF-8, with what they are shown as."""
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
