"""Awkward and ragged arrays as bodies: a ZIP file of the buffers that a form names.

Its members are stored, not compressed. A ragged array's body says its form and length itself. A
body comes from anywhere: nothing of it is believed before it has been looked at.

Awkward Array is loaded when it is first needed.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .chunks import is_size
from .errors import WireError
from .expanded_size import expanded_nbytes

ZIP = "application/zip"
FORM, LENGTH = "form", "length"
# Items without a buffer (of empty records, say) that an array may have however small its body is.
FREE_ITEMS = 1 << 16
# Categories that are written out one by one may have so many bytes, and so many times the body's.
FREE_CATEGORIES = 16 << 20
LARGER_CATEGORIES = 4
CATEGORICAL = "categorical"

# What Awkward Array raises for forms and buffers that are none, besides its own kinds of these.
_MISTAKES = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    RecursionError,
    NotImplementedError,
    RuntimeError,
)


def zip_members(members: Mapping[str, Any]) -> bytes:
    """A ZIP file of these members, each bytes or what numpy can see as bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, bytes) else bytes(content))
    return file.getvalue()


def unzip_members(body: bytes) -> dict[str, bytes]:
    """The members of a ZIP file. Raises WireError unless each is there once, uncompressed."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = archive.infolist()
            _check_entries(entries, len(body))
            return {entry.filename: archive.read(entry) for entry in entries}
    except WireError:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, *_MISTAKES) as error:
        raise WireError(
            f"The body of {len(body)} bytes is not a whole ZIP file: {error}"
        ) from error


def awkward_form(form: Mapping[str, Any]) -> Any:
    """The form that a JSON object describes. Raises WireError."""
    import awkward

    try:
        found = awkward.forms.from_dict(dict(form))
        found.expected_from_buffers()
    except _MISTAKES as error:
        raise WireError(f"This is not the form of an awkward array: {_short(error)}") from error
    return found


def check_list_sizes(form: Any) -> None:
    """Raise WireError for lists of a fixed size of 0, or less, anywhere in a form.

    Such lists hold nothing, and libraries that write them to files end the process.
    """
    pending = [form]
    while pending:
        node = pending.pop()
        size = getattr(node, "size", None)
        sizes = [] if size is None else [size]
        for value in (*sizes, *getattr(node, "inner_shape", ())):
            if not is_size(value) or not value:
                raise WireError(
                    f"A {type(node).__name__.removesuffix('Form')} cannot have lists of the fixed "
                    f"size {value!r}: give a size of at least 1, or lists of any length "
                    "(ListOffsetArray)."
                )
        if hasattr(node, "contents"):
            pending += node.contents
        elif hasattr(node, "content"):
            pending.append(node.content)


def buffer_names(form: Any) -> list[str]:
    """The buffers that an array of this form is made of."""
    return list(form.expected_from_buffers())


def awkward_array(form: Any, length: int, buffers: Mapping[str, bytes]) -> Any:
    """The `awkward.Array` of these buffers. Raises WireError unless they are all valid."""
    import awkward

    expected = buffer_names(form)
    _check_names(set(expected), set(buffers))
    try:
        with np.errstate(all="ignore"):  # of what overflows, the validity is looked at next
            layout = awkward.from_buffers(form, length, dict(buffers), highlevel=False)
            problem = _problem(layout, sum(map(len, buffers.values())))
    except WireError:
        raise
    except _MISTAKES as error:
        raise WireError(f"The buffers do not go with the form: {_short(error)}") from error
    if problem:
        said = problem.partition(" (in compiled code")[0]
        raise WireError(f"The buffers do not go with the form: {said}")
    _check_items(layout, sum(map(len, buffers.values())))
    return awkward.Array(layout)


def _problem(layout: Any, size: int) -> str:
    """What is not valid about a layout; empty if nothing. Raises WireError for too much to compare.

    Whether categories differ is found by writing them out. How much that takes can only be told
    once offsets and indexes are known to be valid.
    """
    import awkward

    categories = [
        content.content
        for content in _contents(layout)
        if content.parameter("__array__") == CATEGORICAL
    ]
    if categories:
        bare = awkward.without_parameters(layout, highlevel=False)
        if problem := awkward.validity_error(bare):
            return str(problem)
        allowed = FREE_CATEGORIES + LARGER_CATEGORIES * size
        for content in categories:
            if (written := expanded_nbytes(awkward.Array(content))) > allowed:
                raise WireError(
                    f"The categories of a body of {size} bytes take {written} bytes when each is "
                    f"written out; {allowed} bytes are the most. Do not let their lists overlap."
                )
    return str(awkward.validity_error(layout))


def _contents(layout: Any) -> Iterator[Any]:
    """A layout and all within it."""
    pending = [layout]
    while pending:
        content = pending.pop()
        yield content
        if hasattr(content, "contents"):
            pending += content.contents
        elif hasattr(content, "content"):
            pending.append(content.content)


def awkward_buffers(array: Any) -> tuple[dict[str, Any], int, dict[str, bytes]]:
    """Form, length and buffers of an `awkward.Array`, without what it does not use."""
    import awkward

    form, length, buffers = awkward.to_buffers(awkward.to_packed(array))
    return form.to_dict(), int(length), {n: np.asarray(b).tobytes() for n, b in buffers.items()}


def ragged_body(array: Any) -> bytes:
    """An `awkward.Array` of numbers as the body of a ragged array."""
    form, length, buffers = awkward_buffers(array)
    described = json.dumps(json.dumps(form)).encode()
    return zip_members({**buffers, LENGTH: length.to_bytes(8, "big"), FORM: described})


def ragged_array(body: bytes) -> Any:
    """The `awkward.Array` in the body of a ragged array. Raises WireError."""
    members = unzip_members(body)
    try:
        form = json.loads(json.loads(members.pop(FORM)))
        length = int.from_bytes(members.pop(LENGTH), "big")
    except KeyError as error:
        raise WireError(f"The ZIP file has no member {error}.") from error
    except (ValueError, TypeError) as error:
        raise WireError(f"The member 'form' does not hold a form: {_short(error)}") from error
    if not isinstance(form, dict):
        raise WireError("The member 'form' does not hold a form.")
    return awkward_array(awkward_form(form), length, members)


def form_key(buffer: str) -> str:
    """The form key of the node that a buffer belongs to."""
    return buffer.rpartition("-")[0]


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise WireError("The ZIP file has two members of the same name.")
    packed = [entry.filename for entry in entries if entry.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise WireError(f"The members of the ZIP file must not be compressed: {packed[0]!r} is.")
    if sum(entry.file_size for entry in entries) > size:
        raise WireError("The members of the ZIP file are longer than the file itself.")


def _check_names(expected: set[str], found: set[str]) -> None:
    if missing := sorted(expected - found):
        raise WireError(f"The buffer {missing[0]!r} is missing.")
    if extra := sorted(found - expected):
        raise WireError(f"The form has no buffer {extra[0]!r}.")


def _check_items(layout: Any, size: int) -> None:
    """Refuse a small body that claims any number of items: empty records take no bytes."""
    allowed = FREE_ITEMS + 8 * size
    for content in _contents(layout):
        if content.length > allowed:
            raise WireError(f"A body of {size} bytes cannot bring {content.length} items.")


def _short(error: BaseException) -> str:
    """The first line of what a library said; the rest tells of its inside."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
