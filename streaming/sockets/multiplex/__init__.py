"""Many subscriptions over one WebSocket."""
