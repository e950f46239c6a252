"""Subscribe to everything that is created, a line each second, until the streams are closed."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from tiled_client import ArrayUpdate, DataSubscription, from_uri


def describe(update: Any) -> str:
    """Return one line about an update of an array or a table."""
    what = update.data()
    if isinstance(update, ArrayUpdate):
        return f"offset {update.offset}, {what.shape} {what.dtype}, mean {what.mean():.1f}"
    return ", ".join(f"{name} {value:g}" for name, value in what.iloc[-1].items())


def watch(node: Any) -> DataSubscription:
    """Print what a node brings, the newest update of each second."""
    subscription: DataSubscription = node.subscribe(max_rate=1)
    name = "/".join(node.path)
    subscription.new_data.add_callback(
        lambda update: print(f"subscriber: {name} #{update.sequence}: {describe(update)}")
    )
    return subscription.start_in_thread(0)


def main() -> None:
    """Subscribe to the root; return when it and all its children are closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("uri")
    parser.add_argument("key")
    options = parser.parse_args()

    watched: list[Any] = []

    def on_child_created(update: Any) -> None:
        child = update.child()
        print(f"subscriber: NEW {child!r}")
        if update.structure_family == "container":
            scan = child.subscribe()
            scan.child_created.add_callback(on_child_created)
            watched.append(scan.start_in_thread(0))
        else:
            watched.append(watch(child))

    root = from_uri(options.uri, api_key=options.key).subscribe()
    root.child_created.add_callback(on_child_created)
    root.start(0)
    for subscription in watched:
        subscription.wait()
    print("subscriber: the producer has closed all streams")


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
