"""Reading the streams: once in each server process, for all its subscribers."""
