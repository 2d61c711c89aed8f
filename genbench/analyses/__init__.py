"""What needs more than one comparison of two sets of features."""
