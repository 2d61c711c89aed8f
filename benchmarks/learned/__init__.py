"""Does every model of the zoo learn? Trains each, scores it before and after, and checks what its paper claims.

    python -m benchmarks.learned run --seeds 0,1 --out DIR
    python -m benchmarks.learned table DIR -o reports/zoo

Cost: 2 to 6 minutes of one thread a model and seed. Expected: every check of ``trials.py`` passes on both seeds; one
that fails, and a run that crashes, are rows that say so. Read ``run.py`` first.
"""
