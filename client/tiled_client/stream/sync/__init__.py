"""Subscriptions for synchronous programs."""
