"""Assets: links to files, downloads, external files, cleanup."""
