"""The durable truth: nodes, their structures and storage, and the HTTP API to them."""
