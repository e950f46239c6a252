"""Words, as all text searches define them.

A word is a run of letters and digits, in lower case, of which the first 200 characters count.
Beyond ASCII, every character counts as a letter except punctuation, symbols and spaces, by fixed
Unicode ranges: so all databases agree, whatever their locale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

MAX_WORD_CHARS = 200
LETTERS = (
    r"0-9A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2070-\u218f\u2c00-\u2dff"
    r"\u2e80-\u2fff\u3040-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\uff66-\uffef"
    r"\U00010000-\U0010ffff"
)
"""A character class for regular expressions, of both Python and PostgreSQL."""
WORD = re.compile(f"[{LETTERS}]+")


def words(text: str) -> list[str]:
    """Return the words in `text` in their original case, truncated to the maximum length."""
    return [word[:MAX_WORD_CHARS] for word in WORD.findall(text)]


def texts_in(value: Any) -> Iterator[str]:
    """Iterate over all strings in a JSON value, except the keys of objects."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
