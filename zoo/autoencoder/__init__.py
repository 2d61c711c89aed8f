"""Models that take an image through a code and back."""
