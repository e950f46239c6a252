"""What is raised when something does not fit the wire."""


class WireError(ValueError):
    """A value that the wire cannot say, or a text that is not of the wire's form."""
