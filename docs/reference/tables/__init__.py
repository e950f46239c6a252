"""What the reference says that the code knows better: one module per page."""
