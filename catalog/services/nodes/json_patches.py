"""Patch metadata: RFC 6902 (JSON Patch) and RFC 7386 (JSON Merge Patch)."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from core.bounds import bounds, exceeded
from core.errors import Conflict, Invalid, TooLarge
from core.json_limits import check_json, json_size

# Each copy may double the document before its size is checked.
MAX_COPY_OPERATIONS = 10
# Python errors that jsonpatch does not translate for invalid operations.
_LIBRARY_ERRORS = (TypeError, AttributeError, LookupError, ValueError)


def apply_json_patch(document: Any, operations: Any) -> Any:
    """Return a copy of `document` with RFC 6902 `operations` applied.

    Raises Invalid for invalid operations, Conflict if they do not fit the document, TooLarge if
    the document becomes too large.
    """
    if not isinstance(operations, list):
        raise Invalid("A JSON patch (RFC 6902) must be a list of operations.")
    if len(operations) > bounds().patch_operations:
        raise Invalid(exceeded("Operations of a JSON patch", len(operations), "patch_operations"))
    copies = [item for item in operations if isinstance(item, dict) and item.get("op") == "copy"]
    if len(copies) > MAX_COPY_OPERATIONS:
        raise Invalid(
            f"A JSON patch may have {MAX_COPY_OPERATIONS} copies at most, not {len(copies)}."
        )
    try:
        jsonpatch.JsonPatch(operations)  # validates all operations before one is applied
        patched = _apply(document, operations)
    except (jsonpatch.JsonPatchConflict, jsonpatch.JsonPatchTestFailed) as error:
        raise Conflict(f"The JSON patch conflicts with the stored document: {error}.") from error
    except JsonPointerException as error:
        raise Conflict(f"The JSON patch refers to a path that does not exist: {error}.") from error
    except (jsonpatch.JsonPatchException, *_LIBRARY_ERRORS) as error:
        raise Invalid(f"This is not a JSON patch (RFC 6902): {error}.") from error
    check_json(patched)  # each operation may have increased the depth
    return patched


def _apply(document: Any, operations: list[Any]) -> Any:
    """Apply one operation after the other; raise TooLarge as soon as the result is too large.

    Measuring the document after each operation would take quadratic time. It is measured once
    the additions since the last time could have exceeded the limit.
    """
    patched, max_bytes = copy.deepcopy(document), bounds().metadata
    added = 0
    for operation in operations:
        patched = jsonpatch.JsonPatch([operation]).apply(patched, in_place=True)
        added += max_bytes if operation["op"] == "copy" else json_size(operation)
        if added > max_bytes:
            _check_size(patched)
            added = 0
    _check_size(patched)
    return patched


def _check_size(patched: Any) -> None:
    check_json(patched)  # orjson cannot measure a value that is nested too deep
    if (size := json_size(patched)) > bounds().metadata:
        raise TooLarge(exceeded("Bytes of the patched document", size, "metadata"))


def apply_merge_patch(document: Any, patch: Any) -> Any:
    """Return `document` after RFC 7386 `patch`: null deletes, objects merge, others replace."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = apply_merge_patch(merged.get(key), value)
    return merged
