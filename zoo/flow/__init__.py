"""Flows: an invertible map from data to normally distributed numbers, so that the density of the data is known."""
