"""Folders of files as containers of nodes: discovered, registered, and watched for changes."""
