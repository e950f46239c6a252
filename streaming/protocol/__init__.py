"""Stream positions, messages and subscription options. No I/O."""
