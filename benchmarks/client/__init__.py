"""The Python client, compared with Tiled's."""
