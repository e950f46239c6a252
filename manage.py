#!/usr/bin/env python
"""Django's entry point in a checkout; an installed server has the command `tiled-stream`."""

from tiledproject.command_line import main

if __name__ == "__main__":
    main()
