// The firm model's step, written once for one firm (V = double) or several side by side (V = a vector of doubles).
//
// The equations are those of the model's documentation; what is constant for a cell is folded into `Cell` once a cell, what is
// constant for a firm into its own columns once a firm, and division by a parameter is multiplication by its reciprocal.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#ifndef INLINE
#define INLINE inline __attribute__((always_inline))
#endif

#define FIRM_PARAMETERS(X) \
    X(adopt_time) X(lapse_time) X(lapse_share) X(cost_gain) X(variability_gain) X(discount) X(promotion_lift) X(soft_orders) \
    X(forecast_time) X(adjust_time) X(capacity) X(setup_share) X(lot_size) X(lot_growth) X(utilisation_push) X(process_time) \
    X(queue_time) X(utilisation_time) X(utilisation_cap) X(stock_cover) X(fill_time) X(pick_time) X(setup_cost) X(defect_rate) \
    X(inspection) X(inspection_max) X(prevention_loss) X(prevention_time) X(defect_growth) X(rework_capacity) X(rework_time) \
    X(rework_cost) X(inspection_cost) X(inspection_growth) X(inspection_delay) X(overhead) X(overhead_cut) X(capability_loss) \
    X(capability_time) X(transit_time) X(consolidation) X(freight_cost) X(freight_saving) X(order_share) X(perception_time) \
    X(lead_sensitivity) X(defect_sensitivity) X(capability_sensitivity) X(loss_time) X(gain_time) X(impatience) X(unit_cost) \
    X(collection_time) X(interest) X(carrying_cost) X(obsolescence) X(cash_buffer) X(payout_time) X(credit_weeks) \
    X(sales_memory) X(demand_time) X(demand_sd) X(weekly_sd) X(cost_time) X(cost_sd) X(buffer_sd) X(margin_sd) \
    X(background_exit) X(observe_time) X(correct_time) X(relapse_time) X(alarm) X(customer_voice) X(blindness) \
    X(shared_metrics) X(communication) X(steering_coupling) X(customer_floor) X(lead_time_limit) X(kpi_time)

struct Parameters {
#define X(name) double name;
    FIRM_PARAMETERS(X)
#undef X
};

// What a lane holds: the stocks in the documentation's order, then what is constant for a firm or carried for speed.
enum Column {
    XS, XP, XQ, XF, XL, PURSUIT, CUSTOMERS, PERCEIVED, FORECAST, WIP, REWORK, GOODS, BACKLOG, TRANSIT, RECEIVABLES, CASH,
    CAPABILITY, PREVENTION, DEMAND, COST, DISTRESS, SALES, UTILISATION, KPI_SALES, KPI_PRODUCTION, KPI_QUALITY, KPI_FINANCE,
    KPI_LOGISTICS, STOCKS,
    CREDIT = STOCKS,  // credit line, as computed at the end of the last step
    HASTE,            // 1 / tolerated lead time, moved by a factor a step
    UNIT_BASE,        // unit cost before the cost shock
    OWN_CASH,         // K0
    RESERVE,          // 1 / (K0 + credit_weeks)
    TRIGGER,          // health that rings the alarm, or far below once it rang
    COLUMNS
};

struct Cell {
    Parameters p;
    double dt, keep[5], pull[5];  // practice_d <- keep practice_d + pull pursuit
    double phi_z, step_z, phi_y, step_y, log_demand, weekly, signal_gain;
    double kappa0, kappa1, lot, half_lot, rework_rate, want_f, want_g, want_w, queue, process, loss_rate, gain_rate;
    double dt_forecast, dt_util, dt_prevention, dt_capability, dt_perception, dt_obsolete, dt_collect, dt_payout, dt_interest;
    double dt_sales, dt_kpi, dt_observe, dt_correct, dt_relapse, inspect_gain, fill_rate, pick_rate, lead_push, leak_push, haste, haste_growth;
    double voice0, blind, inverse_alarm, defects0, defects1, overhead1, shipping1, freight1, inspect1, leak0, appeal0, steering, floor[5], ceiling[5];
    double start[COLUMNS], unit, exit_scale;
    int steps_per_week;

    Cell(const Parameters& q, const double* E, const double* M, int spw) : p(q), steps_per_week(spw) {
        dt = 1.0 / spw;
        double mean = 0;
        for (int d = 0; d < 5; d++) {
            mean += E[d] / 5;
            pull[d] = dt * E[d] / p.adopt_time * (1 - p.shared_metrics) * M[d];
            keep[d] = 1 - dt * (E[d] / p.adopt_time + p.lapse_share * (1 - E[d]) / p.lapse_time);
        }
        phi_z = std::exp(-dt / p.demand_time), step_z = p.demand_sd * std::sqrt(1 - phi_z * phi_z);
        phi_y = std::exp(-dt / p.cost_time), step_y = p.cost_sd * std::sqrt(1 - phi_y * phi_y);
        log_demand = -p.demand_sd * p.demand_sd / 2, weekly = p.weekly_sd / std::sqrt(dt);
        signal_gain = p.soft_orders * (1 - p.communication);
        kappa0 = p.capacity / (1 - p.setup_share), kappa1 = -kappa0 * p.setup_share;
        lot = p.lot_size * p.lot_growth / 2, half_lot = p.lot_size / 2;
        rework_rate = 1 / p.rework_time;
        double s0 = 1 + p.obsolescence * p.stock_cover, r0 = s0 * p.defect_rate * p.inspection;
        double rho0 = std::min((s0 + r0) / p.capacity, p.utilisation_cap);
        double lp0 = p.process_time + half_lot + p.queue_time * rho0 / (1 - rho0), w0 = s0 * lp0;
        double l0 = p.order_share * (lp0 + p.defect_rate * p.inspection * p.rework_time) + p.fill_time + p.transit_time;
        want_w = 1 / p.adjust_time, want_g = p.obsolescence - want_w;
        want_f = 1 + (p.stock_cover - p.fill_time + w0) / p.adjust_time;
        queue = p.queue_time * (1 - p.variability_gain * mean), process = p.process_time + half_lot - queue;
        dt_forecast = dt / p.forecast_time, dt_util = dt / p.utilisation_time, dt_prevention = dt / p.prevention_time;
        dt_capability = dt / p.capability_time, dt_perception = dt / p.perception_time, dt_obsolete = dt * p.obsolescence;
        dt_collect = dt / p.collection_time, dt_payout = dt / p.payout_time, dt_interest = dt * p.interest;
        dt_sales = dt / p.sales_memory, dt_kpi = dt / p.kpi_time, dt_observe = dt / p.observe_time;
        steering = 1 - p.steering_coupling + 2 * p.steering_coupling * mean;
        dt_correct = dt * steering / p.correct_time, dt_relapse = dt / p.relapse_time;
        loss_rate = dt / p.loss_time, gain_rate = dt / p.gain_time;
        inspect_gain = p.inspection_max - p.inspection, fill_rate = 1 / p.fill_time, pick_rate = 1 / p.pick_time;
        leak0 = p.defect_rate * (1 - p.inspection);
        haste = 1 / l0, haste_growth = std::exp(p.impatience * dt / 52);
        voice0 = 1 - p.customer_voice, blind = p.blindness / 5, inverse_alarm = 1 / p.alarm;
        unit = p.unit_cost - p.cost_gain * mean, exit_scale = -52.0 * spw / p.background_exit;
        defects1 = p.defect_rate * p.defect_growth, defects0 = p.defect_rate + defects1, overhead1 = p.overhead * p.overhead_cut;
        shipping1 = p.transit_time * p.consolidation, freight1 = p.freight_cost * p.freight_saving;
        inspect1 = p.inspection_cost * p.inspection_growth, appeal0 = 1 - p.capability_sensitivity;
        lead_push = p.lead_sensitivity, leak_push = p.defect_sensitivity / leak0;
        double kpi[5] = {1, p.unit_cost + p.setup_cost + p.overhead / s0, leak0, p.overhead / s0, p.freight_cost};
        for (int d = 0; d < 5; d++) ceiling[d] = kpi[d] * (1 + 1e-9), floor[d] = kpi[d] * (1 - 1e-9);
        for (double& s : start) s = 0;
        start[PURSUIT] = start[CUSTOMERS] = start[CAPABILITY] = start[PREVENTION] = start[FORECAST] = start[SALES] = 1;
        start[PERCEIVED] = l0, start[WIP] = w0, start[REWORK] = p.rework_time * r0, start[UTILISATION] = rho0;
        start[GOODS] = p.stock_cover, start[BACKLOG] = p.fill_time, start[TRANSIT] = p.transit_time;
        start[RECEIVABLES] = p.collection_time, start[CREDIT] = p.credit_weeks, start[HASTE] = haste, start[TRIGGER] = p.alarm;
        for (int d = 0; d < 5; d++) start[KPI_SALES + d] = kpi[d];
    }

    // The firm's own constants from its draws (buffer and margin normals) into one lane of its columns.
    void found(double buffer, double margin, double* column, int stride) const {
        for (int i = 0; i < COLUMNS; i++) column[i * stride] = start[i];
        double cash = p.cash_buffer * std::exp(p.buffer_sd * buffer - p.buffer_sd * p.buffer_sd / 2);
        column[CASH * stride] = column[OWN_CASH * stride] = cash;
        column[RESERVE * stride] = 1 / (cash + p.credit_weeks);
        column[UNIT_BASE * stride] = unit + p.margin_sd * margin;
    }

    // The step whose end is at or past the background exit (merger, owner's choice), or `horizon` where that comes first.
    int64_t last_step(double u, int64_t horizon) const {
        if (p.background_exit <= 0) return horizon + 1;
        return (int64_t)std::min(std::max(1.0, std::ceil(exit_scale * std::log1p(-u))), horizon + 1.0);
    }
};

// What may happen in a step to some lanes; the rest of the step is the same for all.
template <class V, class M> struct Ends { M insolvent, collapsed, gridlocked, rings; V green; };

template <class V> struct Shocks { V demand, cost; };

// The shocks move by the three normals of a step, whatever the firm does: they can be worked out ahead of its step.
template <class V, int stride> INLINE Shocks<V> shock(const Cell& __restrict k, V* __restrict s, V e1, V e2, V e3) {
    V z = k.phi_z * s[DEMAND * stride] + k.step_z * e1, y = k.phi_y * s[COST * stride] + k.step_y * e2;
    s[DEMAND * stride] = z, s[COST * stride] = y;
    return {exp_(z + k.log_demand) * max_(V{} + 0.0, 1 + k.weekly * e3), exp_(y)};
}

// The rest of one step of Δ. `s[i * stride]` is column i.
template <class V, int stride, class M> INLINE Ends<V, M> step(const Cell& __restrict k, V* __restrict s, Shocks<V> shocks) {
    const Parameters& p = k.p;
#define GET(i) s[(i) * stride]
    V c = GET(PURSUIT), N = GET(CUSTOMERS), A = GET(CAPABILITY), H = GET(PREVENTION), F = GET(FORECAST), B = GET(BACKLOG);
    V G = GET(GOODS), W = GET(WIP), R = GET(REWORK), K = GET(CASH), h = GET(DISTRESS), U = GET(UTILISATION);
    V xs = GET(XS), xp = GET(XP), xq = GET(XQ), xf = GET(XF), xl = GET(XL);

    // sales
    V orders = N * shocks.demand * (1 + p.promotion_lift * xs);
    V bookings = orders * (1 + p.soft_orders * xs), signal = orders * (1 + k.signal_gain * xs);
    V price = 1 - p.discount * xs;

    // production
    V growth = 1 + p.lot_growth * xp, rho = min_(U, V{} + p.utilisation_cap), spare = 1 - rho;
    V kappa_growth = A * (k.kappa0 * growth + k.kappa1);  // capacity x growth
    V reworking = min_(p.rework_capacity * A, k.rework_rate * R);
    V shipments = min_(k.fill_rate * B, k.pick_rate * G);
    V per_growth = 1 / growth;
    V kappa = kappa_growth * per_growth;
    V available = max_(kappa - reworking, V{} + 0.0);
    V wanted = max_(V{} + 0.0, k.want_f * F + k.want_g * G + k.want_w * (B - W));
    V starts = min_(available, wanted + p.utilisation_push * xp * (available - wanted));
    V lead_base = k.process + k.lot * xp;
    V production_lead = lead_base + k.queue / spare;  // v ρ/(1-ρ) = v/(1-ρ) - v, the last within `process`
    V output = min_(W / production_lead, available);
    V busy = min_(V{} + 1.0, (starts + reworking) / kappa);

    // quality
    V q = min_(V{} + 0.6, (k.defects0 - k.defects1 * H) * (1.5 - 0.5 * A));
    V found = p.inspection + k.inspect_gain * xq, caught_share = q * found, caught = output * caught_share, leak = q - caught_share;

    // finance, logistics
    V overheads = p.overhead - k.overhead1 * xf;
    V overhead_unit = overheads / max_(starts, V{} + 0.05);
    V shipping = p.transit_time + k.shipping1 * xl;
    V deliveries = GET(TRANSIT) / shipping;
    V freight = p.freight_cost - k.freight1 * xl;

    // customers
    V lead = p.order_share * (production_lead + p.inspection_delay * xq + caught_share * R / max_(reworking, V{} + 0.001)) +
             B / max_(shipments, V{} + 0.001) + shipping;
    V perceived = GET(PERCEIVED), haste = GET(HASTE);
    V appeal = exp_(k.lead_push * min_(V{} + 0.0, 1 - perceived * haste) + k.leak_push * min_(V{} + 0.0, k.leak0 - leak)) *
               (k.appeal0 + p.capability_sensitivity * A);

    // governance and its dashboard
    V health = min_(min_(V{} + 1.0, (K + GET(CREDIT)) * GET(RESERVE)), k.voice0 + p.customer_voice * N);
    V green = add_if(V{} + 0.0, at_most(V{} + k.floor[0], GET(KPI_SALES)), 1.0);
    for (int d = 1; d < 5; d++) green = add_if(green, at_most(GET(KPI_SALES + d), V{} + k.ceiling[d]), 1.0);
    auto rings = less(health, GET(TRIGGER));
    V seen = max_(V{} + 0.0, 1 - k.inverse_alarm * health) * (1 - k.blind * green);

    // cash
    V unit_cost = GET(UNIT_BASE) * shocks.cost;
    V AR = GET(RECEIVABLES), S = GET(TRANSIT);
    V sale = deliveries * price * (1 - leak);
    V spend = (starts * (unit_cost + p.setup_cost * per_growth) + overheads) +
              (output * (p.inspection_cost + k.inspect1 * xq) + p.carrying_cost * ((W + R) + (G + S))) +
              (p.rework_cost * reworking + freight * shipments);

    // all stocks move
    const V dt = V{} + k.dt;
    GET(XS) = k.keep[0] * xs + k.pull[0] * c, GET(XP) = k.keep[1] * xp + k.pull[1] * c, GET(XQ) = k.keep[2] * xq + k.pull[2] * c;
    GET(XF) = k.keep[3] * xf + k.pull[3] * c, GET(XL) = k.keep[4] * xl + k.pull[4] * c;
    V calm = 1 - h, pursuit = c - k.dt_correct * h * c + (k.dt_relapse * calm - k.dt_relapse * calm * c);
    GET(PURSUIT) = min_(V{} + 1.0, max_(V{} + 0.0, pursuit));
    GET(DISTRESS) = h + k.dt_observe * (seen - h);
    V pull = appeal - N;
    N = N + pull * select_(less(pull, V{} + 0.0), V{} + k.loss_rate, V{} + k.gain_rate);
    perceived = perceived + k.dt_perception * (lead - perceived);
    GET(HASTE) = haste * k.haste_growth;
    GET(CUSTOMERS) = N, GET(PERCEIVED) = perceived;
    GET(FORECAST) = F + k.dt_forecast * (signal - F);
    GET(WIP) = W + dt * (starts - output), GET(REWORK) = R + dt * (caught - reworking);
    GET(GOODS) = G + dt * (output - caught + reworking - shipments) - k.dt_obsolete * G;
    GET(BACKLOG) = B + dt * (orders - shipments), GET(TRANSIT) = S + dt * (shipments - deliveries);
    GET(RECEIVABLES) = AR + dt * sale - k.dt_collect * AR;
    K = K + k.dt_collect * AR - dt * spend + k.dt_interest * min_(K, V{} + 0.0) - k.dt_payout * max_(V{} + 0.0, K - GET(OWN_CASH));
    GET(CASH) = K;
    GET(CAPABILITY) = A + k.dt_capability * (1 - p.capability_loss * xf - A);
    GET(PREVENTION) = H + k.dt_prevention * (1 - p.prevention_loss * xq - H);
    V sales = GET(SALES);
    sales = sales + k.dt_sales * (sale - sales);
    GET(SALES) = sales;
    GET(UTILISATION) = U + k.dt_util * (busy - U);
#define SMOOTH(i, value) GET(i) = GET(i) + k.dt_kpi * ((value) - GET(i))
    SMOOTH(KPI_SALES, bookings);
    SMOOTH(KPI_PRODUCTION, p.unit_cost + p.setup_cost * per_growth + overhead_unit);
    SMOOTH(KPI_QUALITY, leak);
    SMOOTH(KPI_FINANCE, overhead_unit);
    SMOOTH(KPI_LOGISTICS, freight);
#undef SMOOTH
    V credit = p.credit_weeks * sales * min_(V{} + 1.0, N);
    GET(CREDIT) = credit;
#undef GET
    return {less(K + credit, V{} + 0.0), less(N, V{} + p.customer_floor), less(V{} + p.lead_time_limit, perceived), rings, green};
}
