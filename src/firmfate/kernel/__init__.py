"""The kernel: the compiled engine that steps many firms side by side. Arrays in, arrays out.

A model's program becomes vector instructions (`writer`), stage by stage (`pieces`), a step in the order that takes the
least time (`schedule`). `compose` puts them into one text for all models (``engine.py.in``), and Numba compiles it.
"""
