"""genbench: evaluate and benchmark image generators."""

__version__ = "0.1.0"
