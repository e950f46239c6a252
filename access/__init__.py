"""Authentication and authorization: credentials, principals, scopes, access tags."""
