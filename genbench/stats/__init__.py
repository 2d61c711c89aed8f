"""Stage 4: float64 statistics of features: moments, kernel sums, neighbours, balls, jackknife."""
