// The firm model in plain C++: loops over lanes that the compiler vectorises by itself, the mathematics library's functions.
#include <cmath>

#define INLINE inline __attribute__((always_inline))
INLINE double exp_(double x) { return std::exp(x); }
INLINE double max_(double a, double b) { return a > b ? a : b; }
INLINE double min_(double a, double b) { return a < b ? a : b; }
INLINE int less(double a, double b) { return a < b; }
INLINE int at_most(double a, double b) { return a <= b; }
INLINE double select_(int m, double a, double b) { return m ? a : b; }
INLINE double add_if(double sum, int m, double x) { return m ? sum + x : sum; }
#include "firm.hpp"

constexpr int W = 64;  // lanes
constexpr uint64_t LOW = 0xffffffff, M0 = 0xD2511F53, M1 = 0xCD9E8D57;
constexpr double TURN = 6.283185307179586;

struct Words { uint64_t w[4]; };

// Philox4x32-10 of counter (replicate, replicate >> 32, step, stream).
INLINE Words philox(uint64_t seed, uint64_t replicate, uint64_t step, uint64_t stream) {
    uint64_t x0 = replicate & LOW, x1 = replicate >> 32, x2 = step, x3 = stream, a = seed & LOW, b = seed >> 32;
#pragma GCC unroll 10
    for (int i = 0; i < 10; i++) {
        uint64_t p0 = M0 * x0, p1 = M1 * x2;
        x0 = (p1 >> 32) ^ x1 ^ a, x1 = p1 & LOW, x2 = (p0 >> 32) ^ x3 ^ b, x3 = p0 & LOW;
        a = (a + 0x9E3779B9) & LOW, b = (b + 0xBB67AE85) & LOW;
    }
    return {{x0, x1, x2, x3}};
}
INLINE double uniform(uint64_t w) { return ((double)(int64_t)w + 0.5) * 0x1p-32; }
// The angle is within a half turn, by the upper 31 bits of a word; the word's last bit turns the radius over.
INLINE double radius(uint64_t w, uint64_t angle) {
    return std::sqrt(-2 * std::log(uniform(w))) * (double)(1 - 2 * (int64_t)(angle & 1));
}
INLINE double turns(uint64_t w) { return (double)(int64_t)(w | 1) * 0x1p-33 - 0.25; }
INLINE double cosine(double u) { return std::cos(TURN * u); }
// A quarter turn later, as a cosine: sin and cos of one angle become a call of sincos, which has no vector form.
INLINE double sine(double u) { return cosine(u - 0.25); }

struct Results { int32_t* event; uint8_t* cause; int32_t* alarm; uint8_t* green; };

struct Lanes {
    alignas(64) double s[COLUMNS][W], e1[W], e2[W], e3[W], green[W];
    alignas(64) uint64_t replicate[W], now[W];
    alignas(64) int64_t happens[W];  // bits: 1 insolvent, 2 collapsed, 4 gridlocked, 8 alarm
    int64_t firm[W], last[W], exit[W];
    int32_t alarm[W], green_then[W];
};

static void run_cell(const Cell& cell, uint64_t seed, uint64_t first, int64_t count, int64_t horizon, const Results& out) {
    static Lanes L;
    int64_t next = 0;
    int running = 0;
    auto refill = [&](int l) {
        if (next == count) {  // a parked lane goes on with nobody looking
            L.firm[l] = -1, L.last[l] = INT64_MAX;
            return running--;
        }
        Words w = philox(seed, first + next, 0, 1);
        double u = turns(w.w[1]), r = radius(w.w[0], w.w[1]);
        cell.found(r * cosine(u), r * sine(u), &L.s[0][l], W);
        L.replicate[l] = first + next, L.now[l] = 0, L.alarm[l] = L.green_then[l] = 0;
        L.exit[l] = cell.last_step(uniform(w.w[2]), horizon), L.last[l] = std::min(L.exit[l], horizon);
        L.firm[l] = next++;
        return running;
    };
    running = W;
    for (int l = 0; l < W; l++) refill(l);
    while (running) {
#pragma GCC ivdep
        for (int l = 0; l < W; l++) {
            Words w = philox(seed, L.replicate[l], L.now[l], 0);
            double r = radius(w.w[0], w.w[1]), u = turns(w.w[1]);
            L.e1[l] = r * cosine(u), L.e2[l] = r * sine(u), L.e3[l] = radius(w.w[2], w.w[3]) * cosine(turns(w.w[3]));
            L.now[l]++;
        }
        int64_t any = 0;
#pragma GCC ivdep
        for (int l = 0; l < W; l++) {
            Shocks<double> moved = shock<double, W>(cell, &L.s[0][l], L.e1[l], L.e2[l], L.e3[l]);
            Ends<double, int> ends = step<double, W, int>(cell, &L.s[0][l], moved);
            int64_t bits = ends.insolvent | ends.collapsed << 1 | ends.gridlocked << 2 | ends.rings << 3 | ((int64_t)L.now[l] >= L.last[l]) << 4;
            L.happens[l] = bits, L.green[l] = ends.green, any |= bits;
        }
        if (any)
            for (int l = 0; l < W; l++) {
                int64_t h = L.happens[l], i = L.firm[l], now = L.now[l];
                if (!h || i < 0) continue;
                if (h & 8) L.alarm[l] = (int32_t)now, L.green_then[l] = (int32_t)L.green[l], L.s[TRIGGER][l] = -1e300;
                if (!(h & 23)) continue;
                out.event[i] = (int32_t)now, out.alarm[i] = L.alarm[l], out.green[i] = (uint8_t)L.green_then[l];
                out.cause[i] = h & 1 ? 1 : h & 2 ? 2 : h & 4 ? 3 : now >= L.exit[l] ? 4 : 0;
                refill(l);
            }
    }
}

extern "C" const char* firm_parameters() {
#define X(name) #name " "
    return FIRM_PARAMETERS(X);
#undef X
}

extern "C" void firm_run(const Parameters* p, const double* E, const double* M, int64_t cells, int64_t steps, int spw, uint64_t seed,
                         uint64_t first, int64_t count, int32_t* event, uint8_t* cause, int32_t* alarm, uint8_t* green) {
    for (int64_t i = 0; i < cells; i++)
        run_cell(Cell(*p, E + 5 * i, M + 5 * i, spw), seed, first, count, steps,
                 {event + i * count, cause + i * count, alarm + i * count, green + i * count});
}
