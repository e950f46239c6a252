"""Authentication of requests: credentials, tokens, throttling."""
