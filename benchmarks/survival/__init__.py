"""The estimators beside lifelines, statsmodels and R on the same firms: `python -m benchmarks.survival --firms 1e7`."""
