"""Run the command line: `python -m tiled_client`."""

from .command_line.main import main

if __name__ == "__main__":
    main()
