"""This program beside its peers, in one run, at the same digits: ``python -m pytest benchmarks/speed``."""
