"""What nodes can be searched for: each kind of filter as a condition that the database answers.

`filters.FILTERS` names the kinds as the wire does. The other modules say, one subject each, how a
condition on metadata is put to SQLite and to PostgreSQL, such that both give the same answer.
"""
