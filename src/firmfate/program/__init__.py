"""A model's equations as a program: typed operations, each rounded once; equal ones shared, dead ones dropped.

sources, rewriting, control, calls, values   the functions of a model are read, case by case, into a graph
operations, exact, graph                     what an operation means, to the last bit; operations that hang together
rules, linear, walks                         written rules: reciprocals, common factors, fused multiply-adds
elementary, random_numbers                   exp, log, sin and their kin, and random numbers, as programs
program, canonical, tracing                  a model's program, its text and its digest: the model's identity
stages, layout                               what is worked out once a cell, once a firm, at a time, in a step
interpreter, python_code                     programs run by NumPy (the oracle) and by plain Python
"""
