"""The command line `tiled-client`, also `python -m tiled_client`.

Modules of commands import Click alone; the client, numpy and rich are imported when a command runs,
so that `--help` is quick.
"""
