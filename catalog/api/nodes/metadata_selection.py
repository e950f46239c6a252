"""JMESPath expressions that select from metadata (`select_metadata`), evaluated within a budget.

An expression can refer to one value many times, so that its result is small in memory but grows
exponentially when serialized: `[@,@]|[@,@]|...` doubles with each pipe. Therefore the serialized
size of a value, with shared parts counted at each occurrence, is checked before a function, a
comparison or the encoder reads it. Every step of the evaluation, and every item of a list that it
creates, counts as well.
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

# Expressions that create a new list or object, whose items count as steps.
CONSTRUCTORS = {"slice", "flatten", "function_expression", "multi_select_list", "multi_select_dict"}
# Bytes of a value, read by a function or a comparison, that count as one step.
BYTES_PER_STEP = 16


class MetadataSelection:
    """An expression, and the budget of one request for evaluating it on any number of values."""

    def __init__(self, expression: str) -> None:
        """Parse the expression. Raise BadRequest if it is malformed or too long."""
        if len(expression) > bounds().selection:
            raise BadRequest(
                exceeded("Characters in select_metadata", len(expression), "selection")
            )
        with _translate_errors():
            self._parsed = jmespath.compile(expression).parsed
        self._left = bounds().selection_steps

    def of(self, metadata: Any) -> Any:
        """Return the selection from `metadata`. Raise BadRequest if it fails or is too large."""
        evaluation = _Evaluation(self._left)
        with _translate_errors():
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
        # By identity; keep the values alive, so that ids are not reused.
        self._sizes: dict[int, int] = {}
        self._kept: list[Any] = []

    def visit(self, node: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Evaluate a subexpression. Raise BadRequest beyond the budget."""
        self._spend(1)
        result = super().visit(node, *args, **kwargs)
        if node["type"] in CONSTRUCTORS and isinstance(result, (list, dict, str)):
            self._spend(len(result))
        return result

    def visit_flatten(self, node: dict[str, Any], value: Any) -> Any:
        """Flatten a list of lists, after charging their total length to the budget."""
        base = self.visit(node["children"][0], value)
        if isinstance(base, list):
            self._spend(sum(len(item) for item in base if isinstance(item, list)))
        return super().visit_flatten({"children": [_literal(base)]}, value)

    def visit_comparator(self, node: dict[str, Any], value: Any) -> Any:
        """Compare two values, after checking their sizes."""
        sides = [self._checked(child, value) for child in node["children"]]
        return super().visit_comparator({**node, "children": sides}, value)

    def visit_function_expression(self, node: dict[str, Any], value: Any) -> Any:
        """Call a function, after checking the sizes of its arguments."""
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
        # The caller reads all of the value, which takes time proportional to its size.
        self._spend(self._size(result) // BYTES_PER_STEP)
        return _literal(result)

    def _check_join(self, arguments: list[Any]) -> None:
        match arguments:
            case [str() as glue, list() as texts]:
                self._spend(len(glue) * len(texts))

    def _size(self, value: Any) -> int:
        """Return the approximate size as JSON, with shared parts counted at each occurrence."""
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
                "the expression, or request fewer nodes at a time."
            )


def _literal(value: Any) -> dict[str, Any]:
    """Return the AST node of a literal value."""
    return {"type": "literal", "value": value, "children": []}


def _too_large(size: int) -> BadRequest:
    return BadRequest(exceeded("Bytes that select_metadata selects from a node", size, "metadata"))


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except (JMESPathError, TypeError, ValueError, RecursionError) as error:
        raise BadRequest(
            f"Malformed 'select_metadata' parameter raised JMESPathError: {error}"
        ) from error
