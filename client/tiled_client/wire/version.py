"""The version of Tiled whose protocol this is."""

WIRE_VERSION = "0.2.20"
