"""Both effects and m* at every value of every structure, by plain pandas."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from common.plain_pandas import mean_lifetime

PARAMETER = {
    "equity": "equity", "misdiagnosis": "misdiagnosis", "onset": "onset_time", "growth": "growth",
    "first-shocks": "first_shocks", "cost-gain": "cost_gain",
}  # fmt: skip


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return effects of execution at both ends of misalignment, and where their line first falls through 0."""
    found = {}
    for key, parameter in PARAMETER.items():
        years = mean_lifetime(files[key], [parameter, "execution", "misalignment"])
        gain = years.xs(1.0, level="execution") - years.xs(0.05, level="execution")
        for value, line in gain.groupby(level=parameter):
            found |= _numbers(line.droplevel(parameter), f"{key}_{value:g}")
    years = mean_lifetime(files["together"], ["execution", "misalignment"])
    return found | _numbers(years.xs(1.0, level="execution") - years.xs(0.05, level="execution"), "together")


def _numbers(gain: pd.Series, name: str) -> dict[str, float]:
    numbers = {f"aligned_{name}": gain.iloc[0], f"misaligned_{name}": gain.iloc[-1]}
    x, y = gain.index.to_numpy(), gain.to_numpy()
    turns = [i for i in range(len(x) - 1) if y[i] > 0 > y[i + 1]]
    if len(turns) == 1 and not any(y[i] < 0 < y[i + 1] for i in range(len(x) - 1)):
        i = turns[0]
        numbers[f"m_star_{name}"] = x[i] + y[i] * (x[i + 1] - x[i]) / (y[i] - y[i + 1])
    return numbers
