"""Adversarial generators, one a file; ``adversarial.py`` is what they share."""
