"""Survival estimators on arrays: ``events (..., cause, week)`` and ``firms (...)`` in, arrays out; no labels."""
