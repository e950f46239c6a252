"""What an import reads: the databases, files and servers of Tiled."""
