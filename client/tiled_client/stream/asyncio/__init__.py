"""The async twins: the same conversations, held by tasks of an event loop instead of threads."""
