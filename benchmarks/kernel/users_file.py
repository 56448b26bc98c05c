"""`firm` as a user would bring it: all of its files written into one, loaded by path and name like any user's model."""

from __future__ import annotations

import ast
import tempfile
from importlib.resources import files
from pathlib import Path

PACKAGE = "firmfate.models.firm"
ORDER = (
    "shocks", "stocks", "practices", "sales", "production", "quality", "finance", "logistics", "customers", "cash",
    "governance", "dashboard", "birth", "week", "__init__",
)  # fmt: skip


class OneFile(ast.NodeTransformer):
    """Gives the names of one module a prefix, so that many modules fit into one."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.modules: set[str] = set()
        self.names: dict[str, str] = {}
        self.kept: list[ast.stmt] = []
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.module == PACKAGE:
                self.modules |= {alias.name for alias in statement.names}
            elif isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(f"{PACKAGE}."):
                owner = (statement.module or "").rpartition(".")[2]
                self.names.update({alias.name: f"{owner}__{alias.name}" for alias in statement.names})
            else:
                self.kept.append(statement)
                for name in _defined(statement):
                    self.names[name] = f"{module}__{name}" if module != "__init__" else name

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Rename what is defined at the top of a module."""
        return ast.Name(self.names.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """``sales.orders`` becomes ``sales__orders``."""
        if isinstance(node.value, ast.Name) and node.value.id in self.modules and node.value.id not in self.local:
            return ast.Name(f"{node.value.id}__{node.attr}", node.ctx)
        self.generic_visit(node)
        return node

    local: frozenset[str] = frozenset()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Rename a function, and in it what is not local."""
        node.name = self.names.get(node.name, node.name)
        outer, names = self.local, self.names
        assigned = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.local = frozenset(assigned | {argument.arg for argument in node.args.args})
        for argument in node.args.args:
            argument.annotation = argument.annotation and self.visit(argument.annotation)
        node.returns = node.returns and self.visit(node.returns)
        self.names = {name: new for name, new in names.items() if name not in self.local}
        node.body = [self.visit(statement) for statement in node.body]
        self.local, self.names = outer, names
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Rename a class, and its annotations; its members keep their names."""
        node.name = self.names.get(node.name, node.name)
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                statement.annotation = self.visit(statement.annotation)
        return node


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []


def text() -> str:
    """Return the file's text."""
    parts = ["from __future__ import annotations\n"]
    for module in ORDER:
        tree = ast.parse((files(PACKAGE) / f"{module}.py").read_text(encoding="utf-8"))
        renamer = OneFile(module, tree)
        body = [
            statement
            for statement in renamer.kept
            if not (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")
        ]
        parts.append(ast.unparse(ast.fix_missing_locations(ast.Module([renamer.visit(s) for s in body], []))))
    return "\n\n".join(parts) + "\n"


def write() -> str:
    """Write the file into a folder of its own; return what a study would call the model."""
    path = Path(tempfile.mkdtemp(prefix="firmfate-user-")) / "my_firm.py"
    path.write_text(text(), encoding="utf-8")
    return f"{path}:MODEL"
