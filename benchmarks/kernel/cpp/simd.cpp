// The firm model with explicit SIMD: vectors of lanes, each lane a firm, a dead lane refilled at once with the next.
#include "vectors.hpp"
#include "firm.hpp"

#ifndef TOGETHER
#define TOGETHER 4
#endif
#ifndef VECTORS
#define VECTORS 8  // vectors in flight: their steps do not depend on each other, so one fills the waits of the other
#endif

constexpr uint64_t M0 = 0xD2511F53, M1 = 0xCD9E8D57;
struct Keys {
    uint32_t a[10], b[10];
    explicit Keys(uint64_t seed) {
        for (uint32_t i = 0; i < 10; i++) a[i] = (uint32_t)seed + i * 0x9E3779B9u, b[i] = (uint32_t)(seed >> 32) + i * 0xBB67AE85u;
    }
};
struct Words { u64 w0, w1, w2, w3; };

// Rounds `from`.. of Philox4x32-10 in the low halves of 64-bit lanes; what is left in the high halves is never looked at.
// One counter's rounds wait for each other, so K counters go round together.
template <int K> INLINE void rounds(const Keys& keys, int from, Words* w) {
    for (int i = from; i < 10; i++) {
        const u64 a = u64{} + keys.a[i], b = u64{} + keys.b[i];
        for (int k = 0; k < K; k++) {
            u64 p0 = mul32(w[k].w0, u64{} + M0), p1 = mul32(w[k].w2, u64{} + M1);
            w[k] = {xor3(p1 >> 32, w[k].w1, a), p1, xor3(p0 >> 32, w[k].w3, b), p0};
        }
    }
}

struct Normals { f64 e1, e2, e3; };

struct Block {
    f64 s[COLUMNS], now, last;
    u64 product, first, second, third, fourth;  // step x M1, and what rounds 1 and 2 of the counter owe to the replicate alone
    double exit[LANES];  // step of the background exit
    int32_t alarm[LANES], green[LANES];
    int64_t firm[LANES];
    int active;

    INLINE Words count() {  // the counter after its first two rounds
        u64 p0 = mul32((product >> 32) ^ first, u64{} + M0);
        Words w = {product ^ second, third, (p0 >> 32) ^ fourth, p0};
        product += M1;
        return w;
    }
};

INLINE Normals normals(Words w) {
    f64 r = turned_over(radius(w.w0), w.w1);
    Angle a = turn(w.w1);
    return {r * a.cos, r * a.sin, turned_over(radius(w.w2), w.w3) * cosine(w.w3)};
}

template <int K> INLINE void draw(const Cell& cell, const Keys& keys, Block* blocks, Shocks<f64>* out) {
    Words w[K];
    for (int k = 0; k < K; k++) w[k] = blocks[k].count();
    rounds<K>(keys, 2, w);
    Normals e[K];
    for (int k = 0; k < K; k++) e[k] = normals(w[k]);
    for (int k = 0; k < K; k++) out[k] = shock<f64, 1>(cell, blocks[k].s, e[k].e1, e[k].e2, e[k].e3);
}

// The next firms of a cell, founded a vector at a time.
struct Queue {
    const Cell& cell;
    const Keys& keys;
    uint64_t first_replicate;
    int64_t next = 0, count, horizon;
    alignas(64) double cash[LANES], reserve[LANES], unit[LANES], last[LANES];
    alignas(64) uint64_t a[LANES], b[LANES], c[LANES], d[LANES];

    Queue(const Cell& cell, const Keys& keys, uint64_t first, int64_t count, int64_t horizon)
        : cell(cell), keys(keys), first_replicate(first), count(count), horizon(horizon) {}

    __attribute__((noinline)) void found() {
        const Parameters& p = cell.p;
        u64 low, high;
        for (int l = 0; l < LANES; l++) low[l] = (uint32_t)(first_replicate + next + l), high[l] = (first_replicate + next + l) >> 32;
        u64 one = u64{} + 1, zero = u64{};
        Words w = {low, high, zero, one};
        rounds<1>(keys, 0, &w);
        f64 r = turned_over(radius(w.w0), w.w1);
        Angle angle = turn(w.w1);
        f64 k0 = p.cash_buffer * exp_(p.buffer_sd * (r * angle.cos) - p.buffer_sd * p.buffer_sd / 2);
        *(f64*)cash = k0, *(f64*)reserve = 1 / (k0 + p.credit_weeks), *(f64*)unit = cell.unit + p.margin_sd * (r * angle.sin);
        for (int l = 0; l < LANES; l++) last[l] = cell.last_step(((double)(uint32_t)w.w2[l] + 0.5) * 0x1p-32, horizon);
        u64 p0 = mul32(low, u64{} + M0), x2 = xor3(p0 >> 32, zero, u64{} + keys.b[0]), p1 = mul32(x2, u64{} + M1);
        *(u64*)a = high ^ keys.a[0], *(u64*)b = (p1 >> 32) ^ keys.a[1], *(u64*)c = p1, *(u64*)d = p0 ^ keys.b[1];
    }

    void refill(Block& block, int lane) {
        if (next == count) {
            block.active &= ~(1 << lane);
            return;
        }
        int q = next % LANES;
        if (q == 0) found();
        double* s = (double*)block.s + lane;
        for (int i = 0; i < COLUMNS; i++) s[i * LANES] = cell.start[i];
        s[CASH * LANES] = s[OWN_CASH * LANES] = cash[q], s[RESERVE * LANES] = reserve[q], s[UNIT_BASE * LANES] = unit[q];
        block.now[lane] = 0, block.exit[lane] = last[q], block.last[lane] = std::min(last[q], (double)horizon), block.product[lane] = 0;
        block.first[lane] = a[q], block.second[lane] = b[q], block.third[lane] = c[q], block.fourth[lane] = d[q];
        block.alarm[lane] = block.green[lane] = 0;
        block.firm[lane] = next++;
    }
};

struct Results { int32_t* event; uint8_t* cause; int32_t* alarm; uint8_t* green; };

__attribute__((noinline)) static void settle(Block& b, Queue& queue, Ends<f64, mask> ends, int dead, const Results& out) {
    for (int rings = bits(ends.rings) & b.active; rings; rings &= rings - 1) {
        int l = __builtin_ctz(rings);
        b.alarm[l] = (int32_t)b.now[l], b.green[l] = (int32_t)ends.green[l], b.s[TRIGGER][l] = -1e300;
    }
    int insolvent = bits(ends.insolvent), collapsed = bits(ends.collapsed), gridlocked = bits(ends.gridlocked);
    for (; dead; dead &= dead - 1) {
        int l = __builtin_ctz(dead), bit = 1 << l;
        int64_t i = b.firm[l];
        out.event[i] = (int32_t)b.now[l];
        out.cause[i] = insolvent & bit ? 1 : collapsed & bit ? 2 : gridlocked & bit ? 3 : b.now[l] >= b.exit[l] ? 4 : 0;
        out.alarm[i] = b.alarm[l], out.green[i] = (uint8_t)b.green[l];
        queue.refill(b, l);
    }
}

static void run_cell(const Cell& cell, const Keys& keys, uint64_t first, int64_t count, int64_t horizon, const Results& out) {
    Block blocks[VECTORS];
    Queue queue(cell, keys, first, count, horizon);
    int running = VECTORS;
    for (Block& b : blocks) {
        b.active = (1 << LANES) - 1;
        std::fill_n((double*)&b, (double*)b.exit - (double*)&b, 0.0);
        for (int l = 0; l < LANES; l++) queue.refill(b, l);
        b.now += 1;
    }
    while (running) {
        Shocks<f64> shocks[VECTORS];
        for (int v = 0; v < running; v += TOGETHER) draw<TOGETHER>(cell, keys, blocks + v, shocks + v);
        for (int v = 0; v < running; v++) {
            Block& b = blocks[v];
            Ends<f64, mask> ends = step<f64, 1, mask>(cell, b.s, shocks[v]);
            int dead = (bits(ends.insolvent) | bits(ends.collapsed) | bits(ends.gridlocked) | bits(at_most(b.last, b.now))) & b.active;
            if (__builtin_expect(dead | bits(ends.rings), 0)) settle(b, queue, ends, dead, out);
            b.now += 1;
        }
        for (int v = 0; v < running;)
            if (blocks[v].active) v++;
            else blocks[v] = blocks[--running];
    }
}

extern "C" const char* firm_parameters() {
#define X(name) #name " "
    return FIRM_PARAMETERS(X);
#undef X
}

// Execution and misalignment: (cells, 5). Results: (cells, count), steps counted from 1.
extern "C" void firm_run(const Parameters* p, const double* E, const double* M, int64_t cells, int64_t steps, int spw, uint64_t seed,
                         uint64_t first, int64_t count, int32_t* event, uint8_t* cause, int32_t* alarm, uint8_t* green) {
    Keys keys(seed);
    for (int64_t i = 0; i < cells; i++)
        run_cell(Cell(*p, E + 5 * i, M + 5 * i, spw), keys, first, count, steps,
                 {event + i * count, cause + i * count, alarm + i * count, green + i * count});
}

// One firm under given shocks (steps, 3) and draws, its stocks at the start of each step into (steps, STOCKS). Returns event step x 8 + cause.
extern "C" int64_t firm_path(const Parameters* p, const double* E, const double* M, int64_t steps, int spw, const double* shocks,
                             double buffer, double margin, double exit, double* path, int32_t* alarm, int32_t* green) {
    Cell cell(*p, E, M, spw);
    f64 s[COLUMNS];
    for (int l = 0; l < LANES; l++) cell.found(buffer, margin, (double*)s + l, LANES);
    int64_t last = std::min(cell.last_step(exit, steps), steps), now = 1;
    *alarm = *green = 0;
    for (;; now++, shocks += 3) {
        for (int i = 0; i < STOCKS; i++) path[(now - 1) * STOCKS + i] = s[i][0];
        Shocks<f64> moved = shock<f64, 1>(cell, s, f64{} + shocks[0], f64{} + shocks[1], f64{} + shocks[2]);
        Ends<f64, mask> e = step<f64, 1, mask>(cell, s, moved);
        int cause = bits(e.insolvent) & 1 ? 1 : bits(e.collapsed) & 1 ? 2 : bits(e.gridlocked) & 1 ? 3 : now >= cell.last_step(exit, steps) ? 4 : 0;
        if (bits(e.rings)) *alarm = (int32_t)now, *green = (int32_t)e.green[0], s[TRIGGER] = f64{} - 1e300;
        if (cause || now == last) return now * 8 + cause;
    }
}
