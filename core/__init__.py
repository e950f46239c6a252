"""Shared by all packages of the server, without knowledge of the domain."""
