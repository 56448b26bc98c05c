"""The main numbers of the study once more, from the netCDF files by plain pandas: no estimator of the package."""

from collections.abc import Mapping
from pathlib import Path

from common.plain_pandas import mean_lifetime


def rederive(files: Mapping[str, Path]) -> dict[str, float]:
    """Return gains of slack and detection of strong misaligned firms, and the sceptic's effects."""
    found = {}
    slack = mean_lifetime(files["slack"], ["execution", "misalignment", "correct_time", "cash_buffer"])
    for misalignment in (0.5, 1.0):
        gained = slack.unstack("cash_buffer").loc[1.0, misalignment]
        gained = gained[30.0] - gained[3.0]
        found |= {f"slack_1_{misalignment:g}_{correct:g}": gained[correct] for correct in (13, 208)}
        found[f"slack_1_{misalignment:g}"] = gained[208.0] - gained[13.0]
    years = mean_lifetime(files["detection"], ["execution", "misalignment", "observe_time"]).loc[1.0]
    found["detect_1_1"] = years[1.0, 13.0] - years[1.0, 26.0]
    found["align_1_1"] = years[0.9, 26.0] - years[1.0, 26.0]
    if found["align_1_1"] > found["detect_1_1"] > 0:  # otherwise more than one step of misalignment
        found["exchange_1_1_26"] = 0.1 * found["detect_1_1"] / found["align_1_1"]
    sceptic = mean_lifetime(files["sceptic"], ["correct_time", "steering_coupling", "misalignment", "execution"])
    sceptic = sceptic.unstack("execution")
    effect = (sceptic[1.0] - sceptic[0.05]).xs(1.0, level="misalignment")
    return found | {f"sceptic_misaligned_{c:g}_{psi:g}": value for (c, psi), value in effect.items()}
