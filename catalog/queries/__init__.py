"""Search filters: each kind as a condition that the database evaluates.

`filters.FILTERS` has the kinds by their names in the protocol. The other modules translate, one
subject each, conditions on metadata to SQL for SQLite and PostgreSQL, so that both give the same
results.
"""
