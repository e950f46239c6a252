"""Conversion of Tiled's configuration to settings of this site."""
