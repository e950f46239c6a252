"""Export of bluesky runs as documents."""
