"""Profiles: named settings of connections, in YAML files that Tiled's client shares.

A folder has files `*.yml` and `*.yaml`; each maps names of profiles to their settings. Of profiles
with the same name, the one in the folder nearest to the user applies.
"""
