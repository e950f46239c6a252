"""Subscriptions of synchronous programs: threads receive and call the callbacks."""
