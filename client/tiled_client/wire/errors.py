"""The error of the wire format."""


class WireError(ValueError):
    """A value that the wire format cannot represent, or text or JSON that does not follow it."""
