"""Messages to a subscriber: rendering, slicing, filtering, sending."""
