"""firmfate: Monte Carlo studies of what happens to firms over time.

The rooms, in the order in which a study flows through them::

    study.py       a TOML file becomes a validated Study
    design.py      a Study becomes cells, and a population of firms
    models/        what a firm is: `firm` (five divisions) and `car` (the metaphor, exactly solvable)
    kernel/        random numbers by counter, and the compiled engine that steps many firms
    shards.py      a plan of work, each piece a file
    execute.py     the same shards on threads, on Dask, or by index
    replay.py      the whole life of any one firm
    dataset.py     finished shards become one xarray dataset
    survival/      estimators on counts
    findings/      what the studies ask
    plots/         one figure a function
    reporting/     the report
    cli.py         one command a stage

Importing the package compiles nothing and imports nothing heavy.
"""
