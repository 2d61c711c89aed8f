"""What one does with a trained model beyond drawing from it: tell odd images, and learn from few labels.

python -m benchmarks.uses anomalies RUN --out DIR
python -m benchmarks.uses labels RUN... --out DIR
python -m benchmarks.uses table DIR -o reports/uses

A use is a function of a model and data (``anomalies``, ``labels``, ``tuning``) that returns the records of
``records``; ``runs`` opens trained models, ``table`` writes Markdown.
"""
