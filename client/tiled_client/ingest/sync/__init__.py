"""Writers that block."""
