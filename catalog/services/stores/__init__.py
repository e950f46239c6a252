"""Where the data of nodes are stored: one interface, and an implementation per kind of storage."""
