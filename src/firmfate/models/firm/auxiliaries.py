"""What happens in a week, in its order, as trajectories show it; the equations have the same names."""

from firmfate.models.declarations import Auxiliary

FLOW = "weeks of demand a week"
MONEY_FLOW = "weeks of revenue a week"

AUXILIARIES = (
    Auxiliary("demand_shock", "1", "log deviation of demand, after this step's shock"),
    Auxiliary("cost_shock", "1", "log deviation of unit cost, after this step's shock"),
    Auxiliary("orders", FLOW, "units ordered"),
    Auxiliary("bookings", FLOW, "units ordered as Sales books them, soft orders included"),
    Auxiliary("signal", FLOW, "units ordered as Production hears of them"),
    Auxiliary("price", "1", "price after discounts"),
    Auxiliary("lot", "weeks of demand", "lot"),
    Auxiliary("setups", "1", "setups per unit, relative to normal lots"),
    Auxiliary("capacity", FLOW, "capacity that setups leave"),
    Auxiliary("reworking", FLOW, "units reworked"),
    Auxiliary("available", FLOW, "capacity that rework leaves"),
    Auxiliary("starts", FLOW, "units started"),
    Auxiliary("production_lead_time", "week", "lead time of production"),
    Auxiliary("output", FLOW, "units made, defective ones included"),
    Auxiliary("defects", "share of output", "output that is defective"),
    Auxiliary("caught", FLOW, "defective units found"),
    Auxiliary("leak", "share of output", "defective output that leaves the plant"),
    Auxiliary("overheads", MONEY_FLOW, "overheads"),
    Auxiliary("overhead_per_unit", "share of price", "overheads per unit started"),
    Auxiliary("shipments", FLOW, "units shipped"),
    Auxiliary("deliveries", FLOW, "units delivered"),
    Auxiliary("freight", "share of price", "freight per unit shipped"),
    Auxiliary("scrapped", FLOW, "finished goods that become worthless"),
    Auxiliary("lead_time", "week", "lead time of an order of this week"),
    Auxiliary("appeal", "share", "customers that the firm as it is would keep"),
    Auxiliary("sale", MONEY_FLOW, "billed"),
    Auxiliary("collected", MONEY_FLOW, "paid by customers"),
    Auxiliary("spend", MONEY_FLOW, "spent"),
    Auxiliary("interest", MONEY_FLOW, "interest on overdrawn cash"),
    Auxiliary("payout", MONEY_FLOW, "paid to owners"),
    Auxiliary("raised", MONEY_FLOW, "put in by owners"),
    Auxiliary("cash_flow", MONEY_FLOW, "collected less spent"),
    Auxiliary("health", "share", "health as governance would see it at once"),
    Auxiliary("green_kpis", "1", "KPIs of five that are green"),
)
