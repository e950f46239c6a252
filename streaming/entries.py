"""Entries of a stream as its readers hold them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from .cursor import Position, Tip

Form = bytes | str

# To encode less than this takes less time than to hand it to a thread.
THREAD_BYTES = 65536


@dataclass(slots=True, eq=False)
class Entry:
    """An update with its ready message, or an end of stream with none.

    Of a `lost` update Redis has shed the payload. Other forms of the message are made once, for
    the first subscriber that asks, and kept.
    """

    position: Position
    frame: bytes = b""
    lost: bool = False
    _forms: dict[str, Form | asyncio.Future[Form]] = field(default_factory=dict)

    async def form(self, name: str, make: Callable[[bytes], Form]) -> Form:
        """The form called `name`, which `make` makes of the frame; large ones in a thread."""
        form = self._forms.get(name)
        if form is None:
            if len(self.frame) < THREAD_BYTES:
                form = make(self.frame)
            else:
                form = asyncio.ensure_future(asyncio.to_thread(make, self.frame))
            self._forms[name] = form
        if not isinstance(form, asyncio.Future):
            return form
        # Shielded: others may wait for the same form when this subscriber leaves.
        made = await asyncio.shield(form)
        self._forms[name] = made
        return made


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look at a stream found: entries in order, and how far it had come by then.

    `complete` says that nothing else was retained between where the look began and the tip.
    """

    tip: Tip
    entries: list[Entry]
    complete: bool
    gone: bool = False
