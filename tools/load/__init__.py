"""Load generators that check what comes out: completeness of streams, a soak."""
