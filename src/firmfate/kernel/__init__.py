"""The kernel: random numbers by counter, and the compiled engine that steps many firms side by side. Arrays in, arrays
out.

A model's ``step`` is run once, on registers in place of numbers (`tracing`, `stepping`), and so becomes vector
instructions; random numbers are written in the same way (`draws`, `elementary`). `compose` writes the engine of a model
around both, from one text for all models (``engine.py.in``), and Numba compiles it.
"""
