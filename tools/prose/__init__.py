"""Check the words of docstrings, comments, messages, settings and documentation."""
