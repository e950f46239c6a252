"""PostgreSQL, emptied between tests in a tenth of the time."""
