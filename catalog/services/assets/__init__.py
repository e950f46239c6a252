"""Assets: the files of nodes, their links, downloads and cleanup."""
