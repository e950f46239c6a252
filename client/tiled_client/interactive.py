"""Warnings that a person at an interpreter sees, whether or not logging is configured."""

from __future__ import annotations

import logging
import sys


def warn(logger: logging.Logger, message: str) -> None:
    """Log a warning; in an interactive session, also print it if the log does not go there.

    Without any configuration of logging, Python itself prints warnings to standard error.
    """
    logger.warning("%s", message)
    if is_interactive() and not _reaches_terminal(logger):
        print(message, file=sys.stderr, flush=True)


def as_sentence(text: str) -> str:
    """Return a text that ends like a sentence, so that another can follow."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def is_interactive() -> bool:
    """Return whether a person reads standard error: at a prompt, in a notebook, or a terminal."""
    if hasattr(sys, "ps1") or in_notebook():
        return True
    return sys.stderr is not None and sys.stderr.isatty()


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook.

    Packages of widgets import ipykernel in other processes, too.
    """
    kernel = sys.modules.get("ipykernel.zmqshell")
    shell = sys.modules.get("IPython")
    if kernel is None or shell is None:
        return False
    return isinstance(shell.get_ipython(), kernel.ZMQInteractiveShell)


def _reaches_terminal(logger: logging.Logger) -> bool:
    if not logger.isEnabledFor(logging.WARNING):
        # Switched off on purpose.
        return True
    if not logger.hasHandlers():
        return logging.lastResort is not None
    each: logging.Logger | None = logger
    while each is not None:
        for handler in each.handlers:
            if getattr(handler, "stream", None) in (sys.stderr, sys.stdout):
                return True
        each = each.parent if each.propagate else None
    return False
