"""Redis: clients, keys, the embedded Valkey."""
