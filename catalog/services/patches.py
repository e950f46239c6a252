"""Patches of metadata: RFC 6902 (JSON patch) and RFC 7386 (merge patch)."""

from __future__ import annotations

from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from access.errors import Conflict, Invalid


def json_patched(document: Any, operations: Any) -> Any:
    """`document` after RFC 6902 `operations`.

    Raises Invalid for operations that are none, Conflict where they do not fit the document.
    """
    try:
        return jsonpatch.JsonPatch(operations).apply(document)
    except (jsonpatch.JsonPatchConflict, jsonpatch.JsonPatchTestFailed) as error:
        raise Conflict(f"The JSON patch does not fit what is stored: {error}.") from error
    except JsonPointerException as error:
        raise Conflict(f"The JSON patch names a place that is not there: {error}.") from error
    except (jsonpatch.JsonPatchException, TypeError, AttributeError, KeyError) as error:
        raise Invalid(f"This is not a JSON patch (RFC 6902): {error}.") from error


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
