"""Django's backend for PostgreSQL with a connection pool that recovers from outages quickly."""
