"""The main numbers of the study once more, from the netCDF file by plain pandas: no estimator of the package."""

import itertools
from collections.abc import Mapping
from pathlib import Path

from common.plain_pandas import mean_lifetime

OFF = {"shared_metrics": 0.0, "communication": 0.0, "customer_voice": 0.2, "observe_time": 26.0, "correct_time": 52.0,
       "blindness": 0.5}  # fmt: skip
ON = {"shared_metrics": 0.5, "communication": 1.0, "customer_voice": 1.0, "observe_time": 8.0, "correct_time": 13.0,
      "blindness": 0.0}  # fmt: skip


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return what each lever and each pair gives strong, fully misaligned firms."""
    years = mean_lifetime(files["levers"], ["execution", "misalignment", *OFF]).loc[1.0, 1.0]

    def gained(*names: str) -> float:
        return years[tuple(ON[key] if key in names else off for key, off in OFF.items())] - years[tuple(OFF.values())]

    found = {f"{name}_1_1": gained(name) for name in OFF} | {"all_1_1": gained(*OFF)}
    for a, b in itertools.combinations(OFF, 2):
        found[f"{a}+{b}"] = gained(a, b)
        found[f"{a}*{b}"] = gained(a, b) - gained(a) - gained(b)
    return found
