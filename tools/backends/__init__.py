"""Real backends for tests, benchmarks and load: PostgreSQL, Valkey, a small disk, Tiled itself."""
