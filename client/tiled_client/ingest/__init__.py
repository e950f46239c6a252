"""Write to many nodes over one connection, with cumulative acknowledgements."""
