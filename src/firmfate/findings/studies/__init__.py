"""What each study of ``studies/`` estimates: one module a study, named as its folder with underscores.

A module has ``estimands(runs) -> Table``, where `runs` maps the name of every study file to its dataset of counts. It
may have ``derive(directories) -> datasets``, which is given the run directories and adds what counts do not hold, such
as replayed lives; its datasets join `runs`. ``studies/reproduce.py`` calls both.
"""
