"""Write the documents of bluesky's runs, as bluesky's own `TiledWriter` does."""
