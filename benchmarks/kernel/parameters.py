"""The firm model's parameters and defaults as every peer takes them (source: the model's documentation)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

DEFAULTS: dict[str, float] = {
    # practices
    "adopt_time": 26, "lapse_time": 52, "lapse_share": 1, "cost_gain": 0.05, "variability_gain": 0.3,
    # sales
    "discount": 0.08, "promotion_lift": 0.10, "soft_orders": 0.60, "forecast_time": 8, "adjust_time": 8,
    # production
    "capacity": 1.35, "setup_share": 0.03, "lot_size": 1, "lot_growth": 6, "utilisation_push": 0.6, "process_time": 1.5,
    "queue_time": 0.35, "utilisation_time": 8, "utilisation_cap": 0.97, "stock_cover": 4, "fill_time": 1,
    "pick_time": 1, "setup_cost": 0.005,
    # quality
    "defect_rate": 0.05, "inspection": 0.70, "inspection_max": 0.97, "prevention_loss": 0.4, "prevention_time": 52,
    "defect_growth": 2, "rework_capacity": 0.07, "rework_time": 1, "rework_cost": 0.35, "inspection_cost": 0.005,
    "inspection_growth": 3, "inspection_delay": 0.5,
    # finance
    "overhead": 0.29, "overhead_cut": 0.10, "capability_loss": 0.25, "capability_time": 78,
    # logistics
    "transit_time": 1, "consolidation": 2, "freight_cost": 0.05, "freight_saving": 0.45,
    # customers
    "order_share": 0.7, "perception_time": 8, "lead_sensitivity": 0.4, "defect_sensitivity": 0.05,
    "capability_sensitivity": 0.4, "loss_time": 26, "gain_time": 104, "impatience": 0.01,
    # cash
    "unit_cost": 0.57, "collection_time": 6, "interest": 0.002, "carrying_cost": 0.002, "obsolescence": 0.003,
    "cash_buffer": 10, "payout_time": 26, "credit_weeks": 8, "sales_memory": 26,
    # shocks and differences between firms
    "demand_time": 52, "demand_sd": 0.16, "weekly_sd": 0.10, "cost_time": 52, "cost_sd": 0.05, "buffer_sd": 0.7,
    "margin_sd": 0.04, "background_exit": 0,
    # governance
    "observe_time": 26, "correct_time": 52, "relapse_time": 156, "alarm": 0.7, "customer_voice": 0.2, "blindness": 0.5,
    "shared_metrics": 0, "communication": 0, "steering_coupling": 0,
    # ends and the dashboard
    "customer_floor": 0.6, "lead_time_limit": 16, "kpi_time": 13,
}  # fmt: skip


def parameter_vector(changed: Mapping[str, float] | None = None) -> np.ndarray:
    """Return all parameters in the order of `DEFAULTS`, some changed, as float64 of shape (parameters,)."""
    changed = dict(changed or {})
    unknown = set(changed) - set(DEFAULTS)
    if unknown:
        raise KeyError(f"unknown parameters: {sorted(unknown)}")
    return np.array([float(value) for value in (DEFAULTS | changed).values()])
