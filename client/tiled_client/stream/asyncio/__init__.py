"""Subscriptions of asyncio programs: tasks receive and call the callbacks."""
