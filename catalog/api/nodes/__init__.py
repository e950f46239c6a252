"""Views of nodes: metadata, search, registration, revisions, streams."""
