"""Bodies of awkward and ragged arrays: a ZIP file with the buffers that a form lists.

Its members are stored, not compressed. The body of a ragged array also has its form and length.
Bodies are untrusted input: everything in them is validated before it is used.

Awkward Array is loaded on first use.
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
# Items without a buffer, as empty records, that an array of any size may have.
MAX_UNBACKED_ITEMS = 1 << 16
# Limit of the expanded categories in bytes: a constant, plus a factor of the size of the body.
CATEGORIES_BASE_BYTES = 16 << 20
CATEGORIES_FACTOR = 4
CATEGORICAL = "categorical"

# Raised by Awkward Array for invalid forms and buffers, besides its own subclasses.
_AWKWARD_ERRORS = (
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

_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    *_AWKWARD_ERRORS,
)


def zip_members(members: Mapping[str, Any]) -> bytes:
    """Return a ZIP file of these members, each bytes or a buffer."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, bytes) else bytes(content))
    return file.getvalue()


def unzip_members(body: bytes) -> dict[str, bytes]:
    """Return the members of a ZIP file. Raises WireError if any is compressed or a duplicate."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = archive.infolist()
            _check_entries(entries, len(body))
            return {entry.filename: archive.read(entry) for entry in entries}
    except WireError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        OSError,
        EOFError,
        *_AWKWARD_ERRORS,
    ) as error:
        raise WireError(
            f"The body of {len(body)} bytes is not a complete ZIP file: {error}"
        ) from error


def awkward_form(form: Mapping[str, Any]) -> Any:
    """Return the form that a JSON object describes. Raises WireError."""
    import awkward

    try:
        found = awkward.forms.from_dict(dict(form))
        found.expected_from_buffers()
    except _AWKWARD_ERRORS as error:
        raise WireError(f"Invalid form of an awkward array: {_short(error)}") from error
    return found


def check_list_sizes(form: Any) -> None:
    """Raise WireError for lists of a fixed size of 0, or less, anywhere in a form.

    Libraries that write such lists to files crash the process.
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
    """Return the names of the buffers of an array of this form."""
    return list(form.expected_from_buffers())


def awkward_array(form: Any, length: int, buffers: Mapping[str, bytes]) -> Any:
    """Return the `awkward.Array` of these buffers. Raises WireError unless they are valid."""
    import awkward

    expected = buffer_names(form)
    _check_names(set(expected), set(buffers))
    try:
        with np.errstate(all="ignore"):  # overflow is detected by the validation that follows
            layout = awkward.from_buffers(form, length, dict(buffers), highlevel=False)
            problem = _problem(layout, sum(map(len, buffers.values())))
    except WireError:
        raise
    except _AWKWARD_ERRORS as error:
        raise WireError(f"The buffers do not match the form: {_short(error)}") from error
    if problem:
        text = problem.partition(" (in compiled code")[0]
        raise WireError(f"The buffers do not match the form: {text}")
    _check_items(layout, sum(map(len, buffers.values())))
    return awkward.Array(layout)


def _problem(layout: Any, size: int) -> str:
    """Return the reason why a layout is invalid; empty if it is valid. Raises WireError.

    Awkward Array checks that categories are unique by expanding them. Their expanded size can be
    computed only when offsets and indexes are valid, so the rest is validated first.
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
        allowed = CATEGORIES_BASE_BYTES + CATEGORIES_FACTOR * size
        for content in categories:
            if (written := expanded_nbytes(awkward.Array(content))) > allowed:
                raise WireError(
                    f"The categories of a body of {size} bytes expand to {written} bytes, more "
                    f"than the limit of {allowed}: do not let their lists overlap."
                )
    return str(awkward.validity_error(layout))


def _contents(layout: Any) -> Iterator[Any]:
    """Yield a layout, and all layouts inside it."""
    pending = [layout]
    while pending:
        content = pending.pop()
        yield content
        if hasattr(content, "contents"):
            pending += content.contents
        elif hasattr(content, "content"):
            pending.append(content.content)


def awkward_buffers(array: Any) -> tuple[dict[str, Any], int, dict[str, bytes]]:
    """Return form, length and buffers of an `awkward.Array`, without unused items."""
    import awkward

    form, length, buffers = awkward.to_buffers(awkward.to_packed(array))
    return form.to_dict(), int(length), {n: np.asarray(b).tobytes() for n, b in buffers.items()}


def ragged_body(array: Any) -> bytes:
    """Return the body of a ragged array, an `awkward.Array` of numbers."""
    form, length, buffers = awkward_buffers(array)
    described = json.dumps(json.dumps(form)).encode()
    return zip_members({**buffers, LENGTH: length.to_bytes(8, "big"), FORM: described})


def ragged_array(body: bytes) -> Any:
    """Return the `awkward.Array` in the body of a ragged array. Raises WireError."""
    members = unzip_members(body)
    try:
        form = json.loads(json.loads(members.pop(FORM)))
        length = int.from_bytes(members.pop(LENGTH), "big")
    except KeyError as error:
        raise WireError(f"The ZIP file has no member {error}.") from error
    except (ValueError, TypeError) as error:
        raise WireError(f"The member 'form' is not a form: {_short(error)}") from error
    if not isinstance(form, dict):
        raise WireError("The member 'form' is not a form.")
    return awkward_array(awkward_form(form), length, members)


def form_key(buffer: str) -> str:
    """Return the key of the form that a buffer belongs to."""
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
    """Reject small bodies with very many items: empty records take no bytes."""
    allowed = MAX_UNBACKED_ITEMS + 8 * size
    for content in _contents(layout):
        if content.length > allowed:
            raise WireError(
                f"A body of {size} bytes can have at most {allowed} items, not {content.length}."
            )


def _short(error: BaseException) -> str:
    """Return the first line of a library's message; the rest is about its internals."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0]
