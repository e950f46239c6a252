"""Who may do what: credentials, principals, scopes."""
