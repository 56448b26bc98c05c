"""The equations of `firm`, typeset from the functions that are run: what is shown is what is computed."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from types import FunctionType, ModuleType

import latexify

from firmfate.models.firm import MODEL

DIVISIONS = (
    "practices", "sales", "production", "quality", "finance", "logistics", "customers", "cash", "governance",
    "dashboard", "shocks",
)  # fmt: skip

HEAD = """\
# Equations of `firm`

Every equation is typeset from the function that is run, one step of length `p.dt` weeks. What stands before a point
says what a name is: `s.` a stock at the start of the step, `p.` a parameter, `draw.` a random number of the firm,
`shock.` one of the step; a name without a point is that of another equation, or a constant, and `next_` is a stock one
step later. All right sides are computed from stocks at the start of the step, then all stocks move
(Euler's method). [The model](../explanation/model.md) says in words what happens; [its parameters](parameters-firm.md)
have their sources.
"""


def pages() -> dict[str, str | bytes]:
    """Return the page."""
    parts = [HEAD]
    for name in DIVISIONS:
        module = importlib.import_module(f"firmfate.models.firm.{name}")
        parts.append(f"## {name.capitalize()}\n\n{inspect.getdoc(module)}\n\n{_stocks(module)}\n")
        for function in _functions(module):
            text = re.sub(r"\s+", " ", inspect.getdoc(function) or "")
            parts.append(f"**{function.__name__}**: {text.removeprefix('Return ')}\n\n{_shown(function)}\n")
    return {"equations-firm.md": "\n".join(parts)}


def _functions(module: ModuleType) -> list[FunctionType]:
    """Return a module's own functions in the order in which they are written."""
    functions = filter(inspect.isfunction, vars(module).values())
    own = [function for function in functions if function.__module__ == module.__name__]
    return sorted(own, key=lambda function: function.__code__.co_firstlineno)


def _stocks(module: ModuleType) -> str:
    """Return the module's stocks as a table."""
    stocks = getattr(module, "STOCKS", ())
    assert set(stocks) <= set(MODEL.stocks)
    if not stocks:
        return ""
    rows = "\n".join(f"| `s.{row.name}` | {row.unit} | {row.meaning} |" for row in stocks)
    return f"| stock | unit | meaning |\n|---|---|---|\n{rows}\n"


def _shown(function: FunctionType) -> str:
    """Return a function as an equation; as its source where it holds what mathematics has no sign for."""
    source = textwrap.dedent(inspect.getsource(function))
    body = ast.parse(source).body[0]
    code = (ast.Dict, ast.Starred, ast.ListComp, ast.GeneratorExp, ast.Tuple, ast.keyword)
    if any(isinstance(node, code) for node in ast.walk(body)):
        written = re.sub(r'\n    """.*?"""', "", source, count=1, flags=re.DOTALL)
        return f"```python\n{written.strip()}\n```\n"
    latex = latexify.get_latex(function, use_signature=False, escape_underscores=True)
    # Spacing marks, which become empty operators that browsers cannot read.
    latex = latex.replace(r"\mathopen{}", "").replace(r"\mathclose{}", "")
    left = r"\mathrm{" + function.__name__.replace("_", r"\_") + "} = "
    if latex.startswith(r"\begin{array}{l}"):
        first, last = latex.rsplit(r" \\ ", 1)
        latex = f"{first} \\\\ {left}{last}"
    else:
        latex = left + latex
    # A name is one word, not a product of letters.
    latex = re.sub(r"\\mathrm\{([^}]*)\}", lambda name: r"\text{" + name[1].replace(r"\_", "_") + "}", latex)
    latex = re.sub(r"(?<=[})]) (?=(?:s|p|draw|shock)\.)", r" \\cdot ", latex)
    return f"$$\n{latex}\n$$\n"
