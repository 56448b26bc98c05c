"""Shapley values again, by plain pandas: averages over all 120 orders in which divisions may turn to local KPIs."""

import itertools

import xarray as xr

EXECUTIONS = (0.05, 0.5, 1.0)


def rederive(files):
    """Return Shapley values, the whole and its excess over the parts, from the firms' summed lifetimes."""
    with xr.open_dataset(files["study"]) as ds:
        last = int(ds["horizon"].max())
        lived = ds["batch_lifetime"].sel(horizon=last).to_dataframe()["batch_lifetime"]
        firms = ds["batch_firms"].to_dataframe()["batch_firms"]
        axes = [dim for dim in ds["firms"].dims if dim.startswith("misalignment_")]
    keys = ["execution", *axes]
    years = lived.groupby(keys).sum() / firms.groupby(keys).sum() / 52
    found = {}
    for execution in EXECUTIONS:
        mean = years.xs(execution).to_dict()
        alive = {
            frozenset(axis for axis, on in zip(axes, key, strict=True) if on): value for key, value in mean.items()
        }
        marginal = {axis: [] for axis in axes}
        for order in itertools.permutations(axes):
            for place, axis in enumerate(order):
                before = frozenset(order[:place])
                marginal[axis].append(alive[before] - alive[before | {axis}])
        for axis, values in marginal.items():
            found[f"shapley_{axis.removeprefix('misalignment_')}_{100 * execution:.0f}"] = sum(values) / len(values)
        nobody, everybody = alive[frozenset()], alive[frozenset(axes)]
        parts = sum(nobody - alive[frozenset([axis])] for axis in axes)
        found[f"whole_{100 * execution:.0f}"] = nobody - everybody
        found[f"excess_{100 * execution:.0f}"] = nobody - everybody - parts
    return found
