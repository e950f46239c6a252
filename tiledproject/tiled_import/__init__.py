"""Import of catalogs of Tiled: nodes, data, accounts and settings."""
