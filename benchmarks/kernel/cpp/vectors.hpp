// Vectors of doubles over AVX-512 or AVX2 and the elementary functions on them: exp within about an ulp, normals within 2e-11, as
// in the kernel that they are compared with.
//
// A normal's angle is within a half turn, by the upper 31 bits of a word; the word's last bit turns the radius over.
// With AVX-512 the functions look their nearest of 16 knots up in two registers (vpermi2pd), which shortens the polynomials; AVX2 has
// no such instruction and takes longer ones. Coefficients: polynomials through Chebyshev nodes, worked out in 40 digits.
#pragma once
#include <cmath>
#include <cstdint>
#include <immintrin.h>

#ifdef __AVX512DQ__
constexpr int LANES = 8;
#else
constexpr int LANES = 4;
#endif
typedef double f64 __attribute__((vector_size(8 * LANES)));
typedef uint64_t u64 __attribute__((vector_size(8 * LANES)));
#define INLINE inline __attribute__((always_inline))

INLINE f64 as_float(u64 a) { return (f64)a; }
INLINE u64 as_bits(f64 a) { return (u64)a; }

// P0 + P1 x + ... by Estrin's scheme: short chains of dependent operations.
template <class V> INLINE V poly(V x, double a, double b, double c) { return (x * c + b) * x + a; }
template <class V> INLINE V poly(V x, V x2, double a, double b, double c, double d) { return (x * d + c) * x2 + (x * b + a); }
template <class V> INLINE V poly(V x, V x2, double a, double b, double c, double d, double e) { return (x2 * e + (x * d + c)) * x2 + (x * b + a); }
INLINE f64 turned_over(f64 radius, u64 w) { return as_float(as_bits(radius) ^ (w << 63)); }

#ifdef __AVX512DQ__
typedef __mmask8 mask;
INLINE f64 max_(f64 a, f64 b) { return _mm512_max_pd(a, b); }
INLINE f64 min_(f64 a, f64 b) { return _mm512_min_pd(a, b); }
INLINE f64 sqrt_(f64 a) { return _mm512_sqrt_pd(a); }
INLINE mask less(f64 a, f64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
INLINE mask at_most(f64 a, f64 b) { return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ); }
INLINE f64 select_(mask m, f64 a, f64 b) { return _mm512_mask_blend_pd(m, b, a); }
INLINE f64 add_if(f64 sum, mask m, double x) { return _mm512_mask_add_pd(sum, m, sum, _mm512_set1_pd(x)); }
INLINE mask both_(mask a, mask b) { return a & b; }
INLINE int bits(mask m) { return m; }
INLINE u64 mul32(u64 a, u64 b) { return (u64)_mm512_mul_epu32((__m512i)a, (__m512i)b); }
INLINE u64 xor3(u64 a, u64 b, u64 c) { return (u64)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0x96); }

struct Knots {  // 16 values, looked up by the low four bits of an index
    alignas(64) double v[16];
    template <class F> explicit Knots(F f) { for (int j = 0; j < 16; j++) v[j] = f(j); }
    INLINE f64 operator[](u64 i) const {
        return _mm512_permutex2var_pd(_mm512_load_pd(v), (__m512i)i, _mm512_load_pd(v + 8));
    }
};
constexpr double LN2 = 0.6931471805599453, TURN = 6.283185307179586;
// ln(m), m in [1, 2): ln c + log1p(m / c - 1). The last knot is 2, so that -ln 2 + ln c cancels exactly just below 1.
inline double log_knot(int j) { return j == 15 ? 2.0 : 1.0 + (j + 0.5) / 16; }
inline const Knots RECIPROCAL([](int j) { return 1 / log_knot(j); });
inline const Knots LOGARITHM([](int j) { return j == 15 ? LN2 : -std::log(1 / log_knot(j)); });
inline const Knots ROOT([](int j) { return std::exp2(j / 16.0); });
inline const Knots COSINE([](int j) { return (double)std::cos(6.283185307179586476925L * ((j + 0.5L) / 32 - 0.25L)); });
inline const Knots SINE([](int j) { return (double)std::sin(6.283185307179586476925L * ((j + 0.5L) / 32 - 0.25L)); });

// 2^k 2^f, k a multiple of 1/16: the rounded product with log2(e) costs |x| ulps, and spares an exact reduction.
INLINE f64 exp_(f64 x) {
    f64 power = x * 1.4426950408889634, k = _mm512_roundscale_pd(power, 4 << 4 | 8), f = power - k, f2 = f * f;
    f64 p = f * LN2 + f2 * (poly(f, 0.24022650695910072, 0.05550410866027587, 0.009618129107234622) + f2 * f * (f * 0.00015403691716082854 + 0.0013333744338239965));
    f64 root = ROOT[as_bits(k + 0x1.8p48)];
    return _mm512_scalef_pd(root + root * p, k);
}

// sqrt(-2 ln((w + 0.5) 2^-32)), w the low half of each lane.
INLINE f64 radius(u64 w) {
    f64 u = as_float((u64)_mm512_ternarylogic_epi64((__m512i)w, _mm512_set1_epi64(0xffffffff), _mm512_set1_epi64(0x4130000000000000), 0xea)) - (0x1p20 - 0x1p-33);
    f64 e = _mm512_getexp_pd(u), m = _mm512_getmant_pd(u, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
    u64 j = as_bits(u) >> 48;
    f64 f = m * RECIPROCAL[j] - 1, f2 = f * f;
    f64 p = poly(f, f2, -0.5000000000190031, 0.33333333329141825, -0.24999972413498167, 0.2001690858198921, -0.16715383937403847);
    f64 log = f2 * p + f + (e * LN2 + LOGARITHM[j]);
    return sqrt_(-2 * log);
}

struct Angle { f64 cos, sin; };
// cos and sin of (w | 1) 2^-33 - 1/4 turns: the middle of one of 16 sectors, and the exact rest within it.
INLINE f64 sector_rest(u64 w) {
    return as_float((u64)_mm512_ternarylogic_epi64((__m512i)w, _mm512_set1_epi64(0x0fffffff), _mm512_set1_epi64(0x4120000000000001), 0xea)) - (0x1p19 + 0x1p-6);
}
INLINE Angle rest(f64 r) {
    f64 t = r * r, s = t * 81.58652445282418 - 41.34170166897305;
    f64 c = poly(t, -19.739208802151325, 64.93939200312168, -85.43475761783748);
    return {c * t, r * (s * t + TURN)};  // cos - 1, sin
}
INLINE Angle turn(u64 w) {
    Angle a = rest(sector_rest(w));
    u64 j = w >> 28;
    f64 c = COSINE[j], s = SINE[j];
    return {c + (c * a.cos - s * a.sin), s + (s * a.cos + c * a.sin)};
}
INLINE f64 cosine(u64 w) {
    Angle a = rest(sector_rest(w));
    u64 j = w >> 28;
    f64 c = COSINE[j];
    return c + (c * a.cos - SINE[j] * a.sin);
}
#else
typedef f64 mask;
INLINE f64 max_(f64 a, f64 b) { return _mm256_max_pd(a, b); }
INLINE f64 min_(f64 a, f64 b) { return _mm256_min_pd(a, b); }
INLINE f64 sqrt_(f64 a) { return _mm256_sqrt_pd(a); }
INLINE mask less(f64 a, f64 b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
INLINE mask at_most(f64 a, f64 b) { return _mm256_cmp_pd(a, b, _CMP_LE_OQ); }
INLINE f64 select_(mask m, f64 a, f64 b) { return _mm256_blendv_pd(b, a, m); }
INLINE f64 add_if(f64 sum, mask m, double x) { return sum + (f64)_mm256_and_pd(m, _mm256_set1_pd(x)); }
INLINE mask both_(mask a, mask b) { return _mm256_and_pd(a, b); }
INLINE int bits(mask m) { return _mm256_movemask_pd(m); }
INLINE u64 mul32(u64 a, u64 b) { return (u64)_mm256_mul_epu32((__m256i)a, (__m256i)b); }
INLINE u64 xor3(u64 a, u64 b, u64 c) { return a ^ b ^ c; }

INLINE f64 exp_(f64 x) {  // held within +-700: no firm of use is there, and the bits of the exponent stay its own
    const double magic = 0x1.8p52;
    x = min_(max_(x, f64{} - 700.0), f64{} + 700.0);
    f64 shifted = x * 1.4426950408889634 + magic, k = shifted - magic;
    f64 r = x - k * 0x1.62e42fefap-1 - k * 0x1.cf79abc9e3b3ap-40;
    f64 r2 = r * r, r4 = r2 * r2;
    f64 low = poly(r, r2, 0.5, 0.16666666666666669, 0.041666666666624164, 0.008333333333330065);
    f64 high = poly(r, r2, 0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05, 2.7557268480310024e-06) +
               r4 * (r * 2.5100375832561234e-08 + 2.7620075879983367e-07);
    f64 p = r + r2 * (low + r4 * high) + 1;
    return as_float(as_bits(p) + (as_bits(shifted) << 52));
}

INLINE f64 radius(u64 w) {
    f64 u = as_float((w & 0xffffffff) | 0x4130000000000000) - (0x1p20 - 0x1p-33);
    u64 i = as_bits(u) - 0x3fe6a09e667f3bcd;  // exponent and mantissa as from sqrt(1/2)
    f64 m = as_float((i & 0x000fffffffffffff) + 0x3fe6a09e667f3bcd);
    // the exponent, 0 to -33, is in the high bits of i: its low 11 bits, biased, into the mantissa of a double
    f64 e = as_float(((i + 0x4000000000000000) >> 52) | 0x4330000000000000) - (0x1p52 + 1024);
    f64 s = (m - 1) / (m + 1), t = s * s, t2 = t * t;
    f64 p = poly(t, t2, -4.000000000016719, -1.3333333049497504, -0.8000076934475038, -0.5707010207563262, -0.4723271819829197);
    return sqrt_(s * p + e * -1.3862943611198906);
}

struct Angle { f64 cos, sin; };
INLINE f64 angle(u64 w) { return as_float((w & 0xffffffff) | 0x4120000000000001) - (0x1p19 + 0.25); }
INLINE f64 cosine_of(f64 t, f64 t2) {
    return poly(t, t2, 0.9999999999992479, -19.7392088009994, 64.939393720599, -85.45678817674047) +
           t2 * t2 * poly(t, 60.24331176645407, -26.39494802157144, 7.53659673505548);
}
INLINE Angle turn(u64 w) {
    f64 r = angle(w), t = r * r, t2 = t * t;
    f64 s = poly(t, t2, 6.28318530717927, -41.341702239903675, 81.60524914901583, -76.70584755377326) +
            t2 * t2 * poly(t, 42.058134871372054, -15.081483206893, 3.6658551595639612);
    return {cosine_of(t, t2), r * s};
}
INLINE f64 cosine(u64 w) {
    f64 r = angle(w), t = r * r;
    return cosine_of(t, t * t);
}
#endif
