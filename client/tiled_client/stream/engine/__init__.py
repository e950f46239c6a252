"""The protocol of subscriptions, free of I/O."""
