"""Models that give every pixel its probability given those before it: an exact likelihood."""
