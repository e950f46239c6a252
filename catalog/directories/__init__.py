"""Folders of files as containers of nodes: found, registered, and watched as they grow."""
