"""The outside, one thing per file; each SDK comes in by one door."""
