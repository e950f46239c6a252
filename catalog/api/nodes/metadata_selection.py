"""JMESPath expressions that choose from metadata (`select_metadata`), evaluated within a budget.

An expression can refer to one value many times, so that its result is small in memory and grows
exponentially once it is written: `[@,@]|[@,@]|...` doubles with each pipe. The size of a value is
therefore counted as it would be written, with shared parts as often as they occur, before
anything is made of it: before a function, a comparison or the encoder sees it. Every step of the
evaluation, and every item of a list that it makes, counts as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter

from core.bounds import bounds, exceeded
from core.errors import BadRequest
from core.json_limits import check_json, json_size

# What these give is made anew: a list whose items count.
MAKING = {"slice", "flatten", "function_expression", "multi_select_list", "multi_select_dict"}
# So many bytes of a value that a function or a comparison reads count as a step.
BYTES_OF_STEP = 16


class MetadataSelection:
    """An expression, and the budget of one request for evaluating it on any number of values."""

    def __init__(self, expression: str) -> None:
        """Parse the expression. Raise BadRequest if it is malformed or too long."""
        if len(expression) > bounds().selection:
            raise BadRequest(
                exceeded("Characters in select_metadata", len(expression), "selection")
            )
        with _malformed_refused():
            self._parsed = jmespath.compile(expression).parsed
        self._left = bounds().selection_steps

    def of(self, metadata: Any) -> Any:
        """Return what it selects. Raise BadRequest where that is malformed or too large."""
        evaluation = _Evaluation(self._left)
        with _malformed_refused():
            selected = evaluation.visit(self._parsed, metadata)
            evaluation.check(selected)
            size = json_size(selected)
        self._left = evaluation.left
        if size > bounds().metadata:
            raise _too_large(size)
        check_json(selected)
        return selected


class _Evaluation(TreeInterpreter):
    """Evaluates an expression on one value; `left` is the number of steps that may follow."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left
        # By identity; the values are kept, so that no other one takes their place in memory.
        self._sizes: dict[int, int] = {}
        self._kept: list[Any] = []

    def visit(self, node: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Evaluate a part of the expression. Raise BadRequest beyond the budget."""
        self._spend(1)
        result = super().visit(node, *args, **kwargs)
        if node["type"] in MAKING and isinstance(result, (list, dict, str)):
            self._spend(len(result))
        return result

    def visit_flatten(self, node: dict[str, Any], value: Any) -> Any:
        """Join the lists in a list, if all of them together are not too long."""
        base = self.visit(node["children"][0], value)
        if isinstance(base, list):
            self._spend(sum(len(item) for item in base if isinstance(item, list)))
        return super().visit_flatten({"children": [_given(base)]}, value)

    def visit_comparator(self, node: dict[str, Any], value: Any) -> Any:
        """Compare two values that are not too large."""
        sides = [self._checked(child, value) for child in node["children"]]
        return super().visit_comparator({**node, "children": sides}, value)

    def visit_function_expression(self, node: dict[str, Any], value: Any) -> Any:
        """Call a function on values that are not too large."""
        arguments = [
            child if child["type"] == "expref" else self._checked(child, value)
            for child in node["children"]
        ]
        if node["value"] == "join":
            self._check_join([child["value"] for child in arguments if "value" in child])
        return super().visit_function_expression({**node, "children": arguments}, value)

    def check(self, value: Any) -> None:
        """Raise BadRequest if the value would be too large as JSON."""
        if (size := self._size(value)) > bounds().metadata:
            raise _too_large(size)

    def _checked(self, node: dict[str, Any], value: Any) -> dict[str, Any]:
        result = self.visit(node, value)
        self.check(result)
        # What reads all of it takes time with its size, each time anew.
        self._spend(self._size(result) // BYTES_OF_STEP)
        return _given(result)

    def _check_join(self, arguments: list[Any]) -> None:
        match arguments:
            case [str() as glue, list() as texts]:
                self._spend(len(glue) * len(texts))

    def _size(self, value: Any) -> int:
        """About the number of bytes as JSON, with what occurs twice counted twice."""
        if isinstance(value, str):
            return len(value) + 2
        if not isinstance(value, (list, dict)):
            return 4
        known = self._sizes.get(id(value))
        if known is None:
            self._spend(len(value))
            items = value if isinstance(value, list) else [*value, *value.values()]
            known = 2 + sum(map(self._size, items)) + len(items)
            self._sizes[id(value)] = known
            self._kept.append(value)
        return known

    def _spend(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise BadRequest(
                "Evaluating select_metadata takes more than "
                f"{bounds().selection_steps} steps (the setting bounds.selection_steps). Simplify "
                "the expression, or ask for fewer nodes at a time."
            )


def _given(value: Any) -> dict[str, Any]:
    """Return a part of an expression that stands for a value."""
    return {"type": "literal", "value": value, "children": []}


def _too_large(size: int) -> BadRequest:
    return BadRequest(exceeded("Bytes that select_metadata selects from a node", size, "metadata"))


@contextmanager
def _malformed_refused() -> Iterator[None]:
    try:
        yield
    except (JMESPathError, TypeError, ValueError, RecursionError) as error:
        raise BadRequest(
            f"Malformed 'select_metadata' parameter raised JMESPathError: {error}"
        ) from error
