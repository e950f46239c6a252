"""Commands of the site, one in each module."""
