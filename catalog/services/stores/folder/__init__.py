"""Data in files of a folder, which all servers of a site share."""
