"""Backups of a site: its database, stored files and keys, in one folder each."""
