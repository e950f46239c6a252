"""Something to look at: a server, a producer of pictures and rows, and a subscriber to both."""
