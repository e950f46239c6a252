"""What a word is, wherever texts are searched.

A run of letters and digits, in lower case, of which the first 200 characters count. Beyond ASCII,
everything is taken for a letter but punctuation, symbols and spaces, by their places in Unicode:
so that all databases say the same, whatever their locale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

LONGEST_WORD = 200
LETTERS = (
    r"0-9A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2070-\u218f\u2c00-\u2dff"
    r"\u2e80-\u2fff\u3040-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffef"
    r"\U00010000-\U0010ffff"
)
"""As in the brackets of a regular expression, of Python's or of PostgreSQL's kind."""
WORD = re.compile(f"[{LETTERS}]+")


def words(text: str) -> list[str]:
    """The words in `text`, as they are written, each no longer than what counts."""
    return [word[:LONGEST_WORD] for word in WORD.findall(text)]


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a JSON value, but not the keys of objects."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
