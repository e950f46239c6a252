"""PostgreSQL, emptied between tests by deleting rows: most tests leave only a few."""
