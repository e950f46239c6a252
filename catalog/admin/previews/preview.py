"""Build the preview of a node's data, or the message to show where that is impossible."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from core.errors import ServiceError
from core.text import format_count
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.errors import WireError
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ...lookup.embedded import EmbeddedNode
from ...models import Node
from ...services.arrays.dense import read_array
from ...storage.errors import StorageError
from ..text import format_shape
from .frame_selection import FrameSelection, last_values
from .lines import HEIGHT, WIDTH, Line, line
from .nested_arrays import first_elements, first_items, first_ragged_rows
from .png import Picture, colour_picture, grey_picture
from .rows import PreviewRows, first_and_last_rows

# Errors of libraries for values that they cannot render.
RENDERING_ERRORS = (ValueError, TypeError, ArithmeticError, LookupError, pa.ArrowException)
DRAWABLE_KINDS = "biufc"
AnyNode = Node | EmbeddedNode
MAX_VALUES = 12
MAX_TEXT_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Preview:
    """At most one of `picture`, `line`, `text` and `rows`; `problem` explains why there is none.

    `frame` is the number of the frame shown, of `frames`.
    """

    problem: str = ""
    picture: Picture | None = None
    line: Line | None = None
    text: str = ""
    rows: PreviewRows | None = None
    captions: list[str] = field(default_factory=list)
    frame: int = 0
    frames: int = 1

    @property
    def view_box(self) -> str:
        """The extent of the line, as an SVG viewBox."""
        return f"0 0 {WIDTH:g} {HEIGHT:g}"


def build_preview(node: AnyNode, frame: int | None = None) -> Preview | None:
    """Return a preview of a node's data; of an array, frame number `frame`, if it exists."""
    try:
        match node.structure:
            case ArrayStructure() as structure:
                return _array(node, structure, frame)
            case TableStructure():
                return _table(node)
            case SparseStructure() if isinstance(node, Node):
                rows = first_elements(node)
                return Preview(rows=rows, captions=[rows.caption])
            case RaggedStructure() as structure if isinstance(node, Node):
                return Preview(text=first_ragged_rows(node, structure), captions=["the first rows"])
            case AwkwardStructure() if isinstance(node, Node):
                return Preview(text=first_items(node), captions=["the first items"])
            case _:
                return None
    except (ServiceError, StorageError, WireError) as error:
        return Preview(problem=str(error))
    except RENDERING_ERRORS as error:
        # The rest of the page must be shown whatever the data are.
        return Preview(problem=f"Could not render these data: {error}")


def _array(node: AnyNode, structure: ArrayStructure, frame: int | None) -> Preview:
    if not math.prod(structure.shape):
        return Preview(problem="This array has no elements yet.")
    if structure.dtype.kind not in DRAWABLE_KINDS or not structure.shape:
        return _values(node, structure)
    if len(structure.shape) == 1:
        return _line(node, structure)
    return _picture(node, structure, frame)


def _picture(node: AnyNode, structure: ArrayStructure, frame: int | None) -> Preview:
    frames = FrameSelection.of(structure.shape, structure.dtype)
    wanted = [frame] if frame is not None and 0 <= frame < frames.count else frames.candidates()
    for number in wanted:
        pixels = read_array(node, frames.items(number))
        if pixels.min() != pixels.max():
            break
    picture = colour_picture(pixels) if frames.coloured else grey_picture(pixels)
    captions = []
    if frames.stack:
        captions.append(f"frame {list(frames.index(number))}")
    whole = structure.shape[-frames.axes :]
    if pixels.shape != whole:
        captions.append(f"the middle {format_shape(pixels.shape[:2])} pixels")
    if picture.low is not None:
        captions.append(f"black {picture.low:.4g}, white {picture.high:.4g}")
    return Preview(picture=picture, captions=captions, frame=number, frames=frames.count)


def _line(node: AnyNode, structure: ArrayStructure) -> Preview:
    (size,) = structure.shape
    part = last_values(size, structure.dtype.itemsize)
    drawn = line(read_array(node, (part,)))
    if not drawn.pieces:
        return Preview(problem="No value is a finite number.")
    captions = [f"from {drawn.low:.6g} to {drawn.high:.6g}"]
    if part.start:
        captions.append(f"the last {format_count(size - part.start, 'value')}")
    return Preview(line=drawn, captions=captions)


def _values(node: AnyNode, structure: ArrayStructure) -> Preview:
    """Return the first values, formatted by numpy."""
    left = MAX_VALUES
    items = []
    for size in reversed(structure.shape):
        part = min(size, left)
        items.append(slice(0, part))
        left = max(left // part, 1)
    values = read_array(node, tuple(reversed(items)))
    text = np.array2string(values, separator=", ", threshold=MAX_VALUES)
    captions = ["the first values"] if values.shape != structure.shape else []
    return Preview(text=text[:MAX_TEXT_CHARS], captions=captions)


def _table(node: AnyNode) -> Preview:
    rows = first_and_last_rows(node)
    if not rows.total:
        return Preview(problem="This table has no rows yet.")
    return Preview(rows=rows, captions=[rows.caption])
