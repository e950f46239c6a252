"""Live streams: updates of each node of the catalog, and their subscribers."""
