"""Commands about the configuration, which run without Django: it may be wrong, and nothing is made.

Django's settings create the data directory and the keys of a site; these commands only look.
"""
