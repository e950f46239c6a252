"""State machines of connections and subscriptions, without I/O."""
