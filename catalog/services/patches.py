"""Patches of metadata: RFC 6902 (JSON patch) and RFC 7386 (merge patch)."""

from __future__ import annotations

from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from access.errors import Conflict, Invalid

from .limits import check_json

# Each may double the document.
MOST_COPIES = 10
# What jsonpatch lets through of Python's own errors, for operations that are none.
_MISTAKES = (TypeError, AttributeError, LookupError, ValueError)


def json_patched(document: Any, operations: Any) -> Any:
    """`document` after RFC 6902 `operations`.

    Raises Invalid for operations that are none, Conflict where they do not fit the document.
    """
    if not isinstance(operations, list):
        raise Invalid("A JSON patch (RFC 6902) is a list of operations.")
    copies = [item for item in operations if isinstance(item, dict) and item.get("op") == "copy"]
    if len(copies) > MOST_COPIES:
        raise Invalid(f"A JSON patch may have {MOST_COPIES} copies at most, not {len(copies)}.")
    try:
        patched = jsonpatch.JsonPatch(operations).apply(document)
    except (jsonpatch.JsonPatchConflict, jsonpatch.JsonPatchTestFailed) as error:
        raise Conflict(f"The JSON patch does not fit what is stored: {error}.") from error
    except JsonPointerException as error:
        raise Conflict(f"The JSON patch names a place that is not there: {error}.") from error
    except (jsonpatch.JsonPatchException, *_MISTAKES) as error:
        raise Invalid(f"This is not a JSON patch (RFC 6902): {error}.") from error
    check_json(patched)  # each operation may have put one thing deeper into another
    return patched


def merge_patched(document: Any, patch: Any) -> Any:
    """`document` after RFC 7386 `patch`: null deletes, objects are merged, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patched(merged.get(key), value)
    return merged
