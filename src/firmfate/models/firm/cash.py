"""Cash: what is delivered is paid later, what is spent is paid now, and the bank lends on trailing sales."""

from math import exp, inf, log

from firmfate.models.declarations import NOT_NEGATIVE, POSITIVE, WEEK_OR_LONGER, Parameter, Stock
from firmfate.models.firm.practices import mean_execution

MARGIN = "net margin 3-8 % (Damodaran: 4-7 % of US firms)"
POOR_QUALITY = "cost of poor quality 2.5-5 % of sales measured, 10-40 % claimed (Juran Institute)"
HOLDING = "with obsolescence about 35 % a year of cost value (cited: 20-35 %)"
BUFFER = "small firms hold 27 days (JPMorgan Chase Institute 2016), large ones more"

PARAMETERS = (
    Parameter("unit_cost", 0.57, "share of price", POSITIVE, "variable cost of one unit", MARGIN),
    Parameter("cost_gain", 0.05, "share of price", NOT_NEGATIVE, "unit cost saved at full execution",
              "sign from management surveys (Bloom & Van Reenen 2007)", assumption=True),
    Parameter("margin_sd", 0.04, "share of price", NOT_NEGATIVE, "standard deviation of unit cost between firms",
              MARGIN, assumption=True),
    Parameter("setup_cost", 0.005, "share of revenue", NOT_NEGATIVE, "cost of setups at normal lots",
              "small, so that large lots are not secretly good", assumption=True),
    Parameter("inspection_cost", 0.005, "share of price", NOT_NEGATIVE, "inspection per unit at the start",
              POOR_QUALITY),
    Parameter("inspection_growth", 3, "1", NOT_NEGATIVE, "growth of inspection cost at full practice", POOR_QUALITY,
              assumption=True),
    Parameter("rework_cost", 0.35, "share of price", NOT_NEGATIVE, "cost of one unit reworked", POOR_QUALITY),
    Parameter("carrying_cost", 0.002, "share of price a week", NOT_NEGATIVE, "cost of holding one unit for a week",
              HOLDING),
    Parameter("obsolescence", 0.003, "1/week", NOT_NEGATIVE, "share of finished goods that becomes worthless, a week",
              HOLDING),
    Parameter("collection_time", 6, "week", WEEK_OR_LONGER, "time until customers pay",
              "days sales outstanding 39 (US, FY2022)"),
    Parameter("interest", 0.002, "1/week", NOT_NEGATIVE, "interest on overdrawn cash, a week", "about 10 % a year",
              assumption=True),
    Parameter("cash_buffer", 10, "weeks of revenue", POSITIVE, "mean cash at the start", BUFFER, assumption=True),
    Parameter("buffer_sd", 0.7, "1", NOT_NEGATIVE, "standard deviation of the log cash buffer between firms",
              "different buffers are what fits real survival", assumption=True),
    Parameter("payout_time", 26, "week", WEEK_OR_LONGER, "time in which cash above the start is paid out",
              "no measurement known", assumption=True),
    Parameter("equity", 0, "share of the hole in half a year", NOT_NEGATIVE,
              "money that owners put into an overdrawn firm that sells", "off by default", assumption=True),
    Parameter("credit_weeks", 8, "weeks of trailing sales", NOT_NEGATIVE, "credit line", BUFFER, assumption=True),
    Parameter("sales_memory", 26, "week", WEEK_OR_LONGER, "memory of the bank", BUFFER, assumption=True),
    Parameter("background_exit", 0, "1/year", NOT_NEGATIVE, "rate of exit for other reasons (merger, owner's choice)",
              "off; about 0.03 a year among US public firms (Daepp et al. 2015; West 2017)", assumption=True),
)  # fmt: skip

STOCKS = (
    Stock("receivables", "weeks of revenue", "billed and not yet paid"),
    Stock("cash", "weeks of revenue", "cash; negative where the credit line is drawn"),
    Stock("trailing_sales", "weeks of revenue a week", "sales as the bank remembers them"),
    Stock("credit_line", "weeks of revenue", "how far cash may be overdrawn"),
)

HALF_A_YEAR = 26.0
SELLS = 0.8
"""Customers and trailing sales above which a firm counts as one that sells."""


def sale(deliveries, price, leak):
    """Return what is billed, a week: defective units are not paid."""
    return deliveries * price * (1 - leak)


def collected(s, p):
    """Return what customers pay, a week."""
    return s.receivables / p.collection_time


def unit_cost(p, draw, next_cost_shock):
    """Return the variable cost of one unit this week, u."""
    return (p.unit_cost + p.margin_sd * draw.margin - p.cost_gain * mean_execution(p)) * exp(next_cost_shock)


def spend(s, p, unit_cost, starts, setups, overheads, output, reworking, freight, shipments):
    """Return what is spent, a week."""
    making = (unit_cost + p.setup_cost * setups) * starts + overheads
    holding = p.carrying_cost * (s.work_in_process + s.rework + s.finished_goods + s.in_transit)
    checking = p.inspection_cost * (1 + p.inspection_growth * s.practice.quality) * output
    return making + holding + checking + p.rework_cost * reworking + freight * shipments


def cash_flow(collected, spend):
    """Return what is collected less what is spent, a week."""
    return collected - spend


def interest(s, p):
    """Return interest on overdrawn cash, a week."""
    return p.interest * max(-s.cash, 0)


def start_cash(p, draw):
    """Return the firm's own cash at the start, K0."""
    return p.cash_buffer * exp(p.buffer_sd * draw.buffer - p.buffer_sd**2 / 2)


def payout(s, p, start_cash):
    """Return what is paid to owners, a week: of cash above that at the start."""
    return max(0, s.cash - start_cash) / p.payout_time


def raised(s, p):
    """Return what owners put in, a week: into an overdrawn firm that sells."""
    sells = min(s.customers, s.trailing_sales) > SELLS
    return (p.equity if sells else 0) * max(-s.cash, 0) / HALF_A_YEAR


def next_receivables(s, p, sale, collected):
    """Return receivables AR one step later."""
    return s.receivables + p.dt * (sale - collected)


def next_cash(s, p, cash_flow, interest, payout, raised):
    """Return cash K one step later."""
    return s.cash + p.dt * (cash_flow - interest - payout + raised)


def next_trailing_sales(s, p, sale):
    """Return trailing sales V one step later."""
    return s.trailing_sales + p.dt * (sale - s.trailing_sales) / p.sales_memory


def next_credit_line(p, next_trailing_sales, next_customers):
    """Return the credit line from the next step on: weeks of trailing sales, less where customers have left."""
    return p.credit_weeks * next_trailing_sales * min(1, next_customers)


def insolvency(next_cash, next_credit_line):
    """Return whether cash is overdrawn beyond the credit line."""
    return next_cash < -next_credit_line


def exit_week(p, draw):
    """Return the week of the exit for other reasons; never where its rate is 0."""
    return -52 * log(1 - draw.exit) / p.background_exit if p.background_exit > 0 else inf


def background_exit(p, week, exit_week):
    """Return whether the exit for other reasons falls into the step."""
    return week + p.dt >= exit_week


def start(p, draw):
    """Return the stocks at the start."""
    cash = start_cash(p, draw)
    return {"receivables": p.collection_time, "cash": cash, "trailing_sales": 1, "credit_line": p.credit_weeks}
