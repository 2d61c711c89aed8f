"""Stage 6: scores as tables and pictures. The top-level folder ``reports/`` is what runs have written."""
