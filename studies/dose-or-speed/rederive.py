"""The main numbers of the study once more, from the netCDF files by plain pandas: no estimator of the package."""

import itertools
from collections.abc import Mapping
from pathlib import Path

from common.plain_pandas import mean_lifetime


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return Shapley values as averages over the six orders of three factors, and the effect at every lapse share."""
    found = {}
    for file, suffix in (("split", ""), ("slow", "_slow")):
        split = mean_lifetime(files[file], ["cell"])
        worth = {coalition: split.iloc[place] for place, coalition in enumerate(itertools.product((0, 1), repeat=3))}
        found[f"whole{suffix}"] = worth[1, 1, 1] - worth[0, 0, 0]
        orders = list(itertools.permutations(range(3)))
        for factor, name in enumerate(("engine", "dose", "speed")):
            steps = []
            for order in orders:
                before = tuple(int(order.index(other) < order.index(factor)) for other in range(3))
                after = tuple(1 if other == factor else state for other, state in enumerate(before))
                steps.append(worth[after] - worth[before])
            found[f"share_{name}{suffix}"] = sum(steps) / len(steps)

    lapse = mean_lifetime(files["lapse"], ["lapse_share", "misalignment", "execution"])
    for share in lapse.index.get_level_values("lapse_share").unique():
        line = lapse.loc[share, 1.0]
        found[f"effect_{share:g}"] = line.loc[1.0] - line.loc[0.05]
    return found
