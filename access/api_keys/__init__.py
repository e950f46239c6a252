"""API keys: issuing, storing, looking up."""
