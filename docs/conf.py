"""How the documentation is built: ``python -m sphinx -W -b html docs docs/_build/html``, without network."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extension"))

import firmfate

project = "firmfate"
author = "The firmfate developers"
version = release = firmfate.__version__
copyright = author

extensions = [
    "generated_pages",
    "mathml",
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# Other projects' inventories come from the network: links to them are made only where it is there.
if os.environ.get("FIRMFATE_DOCS_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "xarray": ("https://docs.xarray.dev/en/stable", None),
    }

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 600
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
smartquotes = False  # options begin with two hyphens

html_theme = "pydata_sphinx_theme"
html_title = "firmfate"
html_static_path = ["_static"]
html_css_files = ["firmfate.css"]
html_theme_options = {
    "show_prev_next": True,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": []}
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False
