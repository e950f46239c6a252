"""The version of Tiled whose wire this is."""

WIRE_VERSION = "0.2.20"
