"""WebSockets: who is let in, what they ask for, and how it is sent."""
