"""Management commands of accounts and API keys."""
