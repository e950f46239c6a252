"""The catalog over HTTP: each view parses, calls one service, and renders."""
