"""HTTP: requests, responses, compression, ranges, ETags."""
