"""Cancellation tokens, with threads that really block."""

from __future__ import annotations

import threading

import pytest

from core.cancellation import NEVER, CancellationToken, Cancelled, call, current


def test_a_blocked_thread_is_interrupted_by_its_callback() -> None:
    token, interrupted, started = CancellationToken(), threading.Event(), threading.Event()

    def work() -> None:
        with current().on_cancel(interrupted.set):
            started.set()
            assert interrupted.wait(10)
            with pytest.raises(Cancelled):
                current().raise_if_cancelled()

    thread = threading.Thread(target=call, args=(token, work))
    thread.start()
    assert started.wait(10)
    token.cancel()
    thread.join(10)
    assert not thread.is_alive()
    assert current() is NEVER


def test_a_closed_registration_is_never_called() -> None:
    token, running, go_on = CancellationToken(), threading.Event(), threading.Event()
    order = []

    def slow() -> None:
        running.set()
        go_on.wait(10)
        order.append("callback")

    registration = token.on_cancel(slow)
    closed = token.on_cancel(lambda: order.append("closed"))
    closed.close()
    token.cancel()
    assert running.wait(10)
    threading.Timer(0.05, go_on.set).start()
    registration.close()
    order.append("closed registration")
    assert order == ["callback", "closed registration"]


def test_a_token_that_was_cancelled_before_calls_at_once() -> None:
    token, called = CancellationToken(), threading.Event()
    token.cancel("The deadline has passed.")
    with token.on_cancel(called.set):
        assert called.is_set()
    with pytest.raises(Cancelled, match="deadline"):
        call(token, called.clear)
    assert called.is_set()
