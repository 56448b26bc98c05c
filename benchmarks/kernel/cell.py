"""What is constant for a cell of the firm model, worked out once: shared by the NumPy, Numba and JAX peers."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from benchmarks.kernel.parameters import DEFAULTS

Parameters = NamedTuple("Parameters", [(name, float) for name in DEFAULTS])  # type: ignore[misc]


class Cell(NamedTuple):
    """Constants of a cell; `dt` is Δ, names ending in `_rate` are Δ / a time."""

    p: Parameters
    dt: float
    keep: tuple[float, float, float, float, float]
    pull: tuple[float, float, float, float, float]
    phi_z: float
    step_z: float
    phi_y: float
    step_y: float
    half_variance: float
    weekly: float
    queue: float
    w0: float
    l0: float
    leak0: float
    unit: float
    steering: float
    worst: tuple[float, float, float, float, float]
    forecast_rate: float
    perception_rate: float
    capability_rate: float
    prevention_rate: float
    sales_rate: float
    utilisation_rate: float
    kpi_rate: float
    observe_rate: float
    collection_rate: float
    payout_rate: float


def make_cell(parameters: np.ndarray, execution: np.ndarray, misalignment: np.ndarray, steps_per_week: int) -> Cell:
    """Return the constants of one cell from all parameters (parameters,) and the five divisions' E and M (5,)."""
    p = Parameters(*(float(value) for value in parameters))
    dt, mean = 1.0 / steps_per_week, float(np.mean(execution))
    phi_z, phi_y = math.exp(-dt / p.demand_time), math.exp(-dt / p.cost_time)
    lapse = [p.lapse_share * (1 - e) / p.lapse_time for e in execution]
    s0 = 1 + p.obsolescence * p.stock_cover
    rho0 = utilisation0(p)
    lead0 = p.process_time + p.lot_size / 2 + p.queue_time * rho0 / (1 - rho0)
    leak0 = p.defect_rate * (1 - p.inspection)
    first = kpis0(p)
    return Cell(
        p=p,
        dt=dt,
        keep=tuple(float(1 - dt * (e / p.adopt_time + la)) for e, la in zip(execution, lapse, strict=True)),  # type: ignore[arg-type]
        pull=tuple(
            float(dt * e * (1 - p.shared_metrics) * m / p.adopt_time)
            for e, m in zip(execution, misalignment, strict=True)
        ),  # type: ignore[arg-type]
        phi_z=phi_z,
        step_z=p.demand_sd * math.sqrt(1 - phi_z**2),
        phi_y=phi_y,
        step_y=p.cost_sd * math.sqrt(1 - phi_y**2),
        half_variance=p.demand_sd**2 / 2,
        weekly=p.weekly_sd / math.sqrt(dt),
        queue=p.queue_time * (1 - p.variability_gain * mean),
        w0=s0 * lead0,
        l0=p.order_share * (lead0 + p.defect_rate * p.inspection * p.rework_time) + p.fill_time + p.transit_time,
        leak0=leak0,
        unit=p.unit_cost - p.cost_gain * mean,
        steering=dt * (1 - p.steering_coupling + 2 * p.steering_coupling * mean) / p.correct_time,
        worst=(first[0] * (1 - 1e-9), *(value * (1 + 1e-9) for value in first[1:])),
        forecast_rate=dt / p.forecast_time,
        perception_rate=dt / p.perception_time,
        capability_rate=dt / p.capability_time,
        prevention_rate=dt / p.prevention_time,
        sales_rate=dt / p.sales_memory,
        utilisation_rate=dt / p.utilisation_time,
        kpi_rate=dt / p.kpi_time,
        observe_rate=dt / p.observe_time,
        collection_rate=dt / p.collection_time,
        payout_rate=dt / p.payout_time,
    )


def utilisation0(p: Parameters) -> float:
    """Return utilisation in the quiet state, ρ0."""
    s0 = 1 + p.obsolescence * p.stock_cover
    return min((s0 + s0 * p.defect_rate * p.inspection) / p.capacity, p.utilisation_cap)


def kpis0(p: Parameters) -> tuple[float, float, float, float, float]:
    """Return the five KPIs at the start: sales, production, quality, finance, logistics."""
    spread = p.overhead / (1 + p.obsolescence * p.stock_cover)
    return 1.0, p.unit_cost + p.setup_cost + spread, p.defect_rate * (1 - p.inspection), spread, p.freight_cost


def stocks0(k: Cell) -> np.ndarray:
    """Return the stocks at the start in the order of `step.Stocks`, cash 0: the firm's own buffer replaces it."""
    p = k.p
    r0 = (1 + p.obsolescence * p.stock_cover) * p.defect_rate * p.inspection
    practices, pursuit, customers = [0.0] * 5, 1.0, 1.0
    goods = [k.w0, p.rework_time * r0, p.stock_cover, p.fill_time, p.transit_time]
    rest = [p.collection_time, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, utilisation0(p)]
    return np.array([*practices, pursuit, customers, k.l0, 1.0, *goods, *rest, *kpis0(p)])


def haste(k: Cell, steps: int) -> np.ndarray:
    """Return 1 / the tolerated lead time at the start of each step, (steps,)."""
    return np.exp(k.p.impatience * np.arange(steps) * k.dt / 52) / k.l0


def exit_step(k: Cell, uniform: float) -> float:
    """Return the step of the background exit (merger, owner's choice), or infinity where it is off."""
    if k.p.background_exit <= 0:
        return math.inf
    return max(1.0, math.ceil(-52 * math.log1p(-uniform) / k.p.background_exit / k.dt))
