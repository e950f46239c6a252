"""Patches of metadata: RFC 6902 (JSON patch) and RFC 7386 (merge patch)."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from core.bounds import bounds, exceeded
from core.errors import Conflict, Invalid, TooLarge
from core.json_limits import check_json, json_size

# Each may double the document, which is measured after it.
MAX_COPY_OPERATIONS = 10
# What jsonpatch lets through of Python's own errors, for operations that are none.
_LIBRARY_ERRORS = (TypeError, AttributeError, LookupError, ValueError)


def apply_json_patch(document: Any, operations: Any) -> Any:
    """`document` after RFC 6902 `operations`.

    Raises Invalid for operations that are none, Conflict where they do not fit the document,
    TooLarge where the document becomes too large.
    """
    if not isinstance(operations, list):
        raise Invalid("A JSON patch (RFC 6902) is a list of operations.")
    if len(operations) > bounds().patch_operations:
        raise Invalid(exceeded("Operations of a JSON patch", len(operations), "patch_operations"))
    copies = [item for item in operations if isinstance(item, dict) and item.get("op") == "copy"]
    if len(copies) > MAX_COPY_OPERATIONS:
        raise Invalid(
            f"A JSON patch may have {MAX_COPY_OPERATIONS} copies at most, not {len(copies)}."
        )
    try:
        jsonpatch.JsonPatch(operations)  # all of them are looked at before one is applied
        patched = _apply(document, operations)
    except (jsonpatch.JsonPatchConflict, jsonpatch.JsonPatchTestFailed) as error:
        raise Conflict(f"The JSON patch does not fit what is stored: {error}.") from error
    except JsonPointerException as error:
        raise Conflict(f"The JSON patch names a place that is not there: {error}.") from error
    except (jsonpatch.JsonPatchException, *_LIBRARY_ERRORS) as error:
        raise Invalid(f"This is not a JSON patch (RFC 6902): {error}.") from error
    check_json(patched)  # each operation may have put one thing deeper into another
    return patched


def _apply(document: Any, operations: list[Any]) -> Any:
    """Apply one operation after the other. Raise TooLarge as soon as the result is too large.

    To measure the document after each of them would take time with the square of its size. It
    is measured once what was added since could have doubled what is allowed.
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
    check_json(patched)  # what is nested too deep cannot be measured
    if (size := json_size(patched)) > bounds().metadata:
        raise TooLarge(exceeded("Bytes of the patched document", size, "metadata"))


def apply_merge_patch(document: Any, patch: Any) -> Any:
    """`document` after RFC 7386 `patch`: null deletes, objects are merged, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = apply_merge_patch(merged.get(key), value)
    return merged
