"""Data in objects of a bucket."""
