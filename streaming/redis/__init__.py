"""Connect to Redis: clients, key names, and the embedded Valkey."""
