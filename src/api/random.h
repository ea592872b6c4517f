// qquant floor 1: Threefry, and the random numbers that JAX makes of it.

#ifndef QQUANT_API_RANDOM_H
#define QQUANT_API_RANDOM_H

#include "api/tensor.h"

// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random
// numbers: as easy as 1, 2, 3", 2011). A key is two words; everything drawn
// from it is a function of the key and the position, so any part of a long
// sequence can be made by itself.
typedef struct qq_key {
    uint32_t word[2];
} qq_key;

// How JAX counts. Both give the same quality and different numbers.
typedef enum qq_random_layout {
    QQ_RANDOM_PARTITIONABLE = 1, // JAX's default since 0.5: element i by itself
    // Before: element i depends on the count. Arrays that take more than
    // 2^32 - 1 words of 32 random bits are QQ_ERR_UNSUPPORTED.
    QQ_RANDOM_LEGACY = 2
} qq_random_layout;

// out = the block function of the key at the counter.
QQ_API void qq_threefry(qq_key key, const uint32_t counter[2], uint32_t out[2]);

// JAX's threefry_2x32 over n words: the counter is cut in two halves (n odd: a
// 0 is appended), pairs go through the block, out is all first words, then all
// second ones (n odd: without the last). out may be counter.
QQ_API void qq_threefry_array(qq_key key, size_t n, const uint32_t *counter,
                              uint32_t *out);

// jax.random.PRNGKey. wide 0 (JAX's default): (0, low 32 bits of seed), for
// negative seeds, too; wide 1 (JAX's 64-bit mode): (high, low).
QQ_API qq_key qq_key_make(int64_t seed, int wide);

// jax.random.fold_in.
QQ_API qq_key qq_key_fold_in(qq_key key, uint32_t data);

// jax.random.split: key i of n; keys for shapes are counted row-major.
QQ_API qq_key qq_key_split(qq_key key, qq_random_layout layout, size_t n,
                           size_t i);

// Random bits of elements first to first + count - 1 of an array of total
// elements: width 8, 16 or 32, written as uint8_t, uint16_t, uint32_t.
// QQ_ERR_ARGUMENT: width, layout, first + count above total.
QQ_API qq_status qq_random_bits(qq_key key, qq_random_layout layout,
                                unsigned width, size_t total, size_t first,
                                size_t count, void *out, size_t out_bytes);

// jax.random.uniform in [0, 1): type f32 (from 32 bits), f16 (16) or bf16 (8).
QQ_API qq_status qq_random_unit(qq_key key, qq_random_layout layout,
                                qq_type type, size_t total, size_t first,
                                size_t count, void *out, size_t out_bytes);

// jax.random.uniform in [low, high), f32: max(low, u * (high - low) + low)
// with one rounding of the sum if fused is not 0 (as JAX's compiler makes it),
// else with two. QQ_ERR_ARGUMENT: high - low is not finite.
QQ_API qq_status qq_random_uniform(qq_key key, qq_random_layout layout,
                                   float low, float high, int fused,
                                   size_t total, size_t first, size_t count,
                                   float *out);

// jax.random.bernoulli: out[i] = u < p, 0 or 1.
QQ_API qq_status qq_random_bernoulli(qq_key key, qq_random_layout layout,
                                     float p, size_t total, size_t first,
                                     size_t count, uint8_t *out);

// jax.random.randint, int32 in [low, high). QQ_ERR_ARGUMENT: high <= low.
QQ_API qq_status qq_random_int(qq_key key, qq_random_layout layout, int32_t low,
                               int32_t high, size_t total, size_t first,
                               size_t count, int32_t *out);

// he_uniform of jax.nn.initializers, f32: (2u - 1) * sqrt(3 * (2 / fan)),
// each step rounded; fan = total / (size of the last axis). QQ_ERR_ARGUMENT:
// fan is 0.
QQ_API qq_status qq_random_he_uniform(qq_key key, qq_random_layout layout,
                                      size_t fan, size_t total, size_t first,
                                      size_t count, float *out);

// Noise for stochastic rounding: added before rounding to nearest even.
typedef enum qq_noise {
    QQ_NOISE_NONE = 0,
    QQ_NOISE_UNIFORM = 1,    // Qwix: max(-0.5, u + -0.5), from 32 bits
    QQ_NOISE_LOW_BIT = 2,    // Qwix: r / 256 - 0.498046875, from 8 bits
    QQ_NOISE_AQT = 3,        // AQT "jax.uniform": u - 0.5, from 32 bits
    QQ_NOISE_AQT_CUSTOM = 4, // AQT "custom-1": r / 65536 - 0.5 + 2^-17
    QQ_NOISE_GIVEN = 5       // the caller's numbers
} qq_noise;

// Noise numbers first to first + count - 1 of total. Not for none and given.
QQ_API qq_status qq_random_noise(qq_key key, qq_random_layout layout,
                                 qq_noise noise, size_t total, size_t first,
                                 size_t count, float *out);

#endif // QQUANT_API_RANDOM_H
