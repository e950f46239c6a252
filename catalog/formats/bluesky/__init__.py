"""Export of Bluesky runs as documents."""
