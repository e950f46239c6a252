"""The live view of the catalog: each node's stream of updates, and everyone who watches it."""
