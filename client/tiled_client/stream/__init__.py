"""Subscribe to nodes, and receive their updates while they are written.

- `protocol`: messages, positions and options of a stream, without I/O.
- `updates`: the classes of updates, which messages are decoded to.
- `engine`: connections and subscriptions as state machines, without I/O, threads or clocks.
- `sync` and `asyncio`: run the engine with threads or with tasks, and call the callbacks.
"""
