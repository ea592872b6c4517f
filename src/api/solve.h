// qquant floor 1: codes that keep a layer's output: scale search, GPTQ,
// coordinate descent, refit, and the recipe made of them.
//
// Rounding every weight to the nearest code is not the best that a code can
// do: what counts is the output, that is
//
//   J = tr((W - V) H (W - V)^T),   V = scale * level(code) + offset
//
// with the H of api/moments.h. From a weight to a packed layer, all memory
// being the program's:
//
//   float *h;                     k * k, from qq_moments_hessian, centred
//   qq_hessian_damp(k, qq_hessian_lambda(3, rows, k), h, h_bytes);
//   qq_grid g = qq_grid_integer(3);
//   size_t bytes = qq_fit_size(n, k, 32, &g);
//   qq_fit f;
//   qq_fit_make(n, k, 32, &g, memory, bytes, &f);
//   size_t room = qq_fit_scratch_size(&f, NULL);
//   qq_fit_solve(&f, NULL, w, k, h, h_bytes, NULL, scratch, room);
//   qq_fit_array(&f, QQ_TYPE_F16, out, out_bytes, &array);
//   qq_matrix_pack(&array, ...);
//
// Every step is a call of its own, and may be left out. All rows are solved by
// themselves: parts of the work are rows, and results do not depend on parts.
//
// THE ARITHMETIC. W, H, scales, offsets and what is decoded are f32: V is
// fl(scale * level), or fl(fl(scale * level) + offset), to the bit what
// qq_dequantize answers. Sums run in f64 over products of two floats, in one
// order, stated at each part of the implementation.
//
// Weights with a NaN or an infinity, and an H that qq_hessian_check refuses,
// are QQ_ERR_FORMAT, and nothing is written; so is an H with an eigenvalue
// that is not positive where it must be factored (damp it).

#ifndef QQUANT_API_SOLVE_H
#define QQUANT_API_SOLVE_H

#include "api/array.h"
#include "api/moments.h"

// --- grids -----------------------------------------------------------------

typedef enum qq_grid_kind {
    // code - count / 2: -2 -1 0 1 for 2 bits; -1 0 1 for 3 levels (ternary).
    QQ_GRID_INTEGER = 1,
    // 2 code - (count - 1): -3 -1 1 3 for 2 bits, -1 1 for one. No zero, but
    // symmetric; the scale is half of what a step of 1 would need.
    QQ_GRID_HALF_STEP = 2,
    QQ_GRID_BOOK = 3 // levels[code]
} qq_grid_kind;

// The numbers that codes stand for, before they are scaled. Made by the calls
// below; free to copy.
typedef struct qq_grid {
    uint32_t init;
    qq_grid_kind kind;
    unsigned count;      // levels, 2 to 256
    int signed_scales;   // 1: scales may be negative, so that -2 ... 1 can be
                         // -1 ... 2; costs nothing to store
    int offsets;         // 1: every scale has an offset beside it
    const float *levels; // book: ascending, finite; kept, not copied
} qq_grid;

// 1 to 8 bits. Integers have signed scales: set the member to 0 against that.
// Offsets are off: set the member to 1. 1 bit is the half-step grid.
QQ_API qq_grid qq_grid_integer(unsigned bits);
QQ_API qq_grid qq_grid_half_step(unsigned bits);
QQ_API qq_grid qq_grid_ternary(void);
QQ_API qq_grid qq_grid_book(unsigned count, const float *levels);

// Level of a code; 0 for codes beyond the grid.
QQ_API float qq_grid_level(const qq_grid *g, unsigned code);

// --- fits ------------------------------------------------------------------

// A weight as codes: a view of the caller's memory, which the calls fill in.
typedef struct qq_fit {
    uint32_t init;
    qq_grid grid;
    size_t n;
    size_t k;
    size_t tile;   // columns that share a scale; the last tile may be short
    size_t tiles;  // of a row
    uint8_t *code; // n * k
    float *scale;  // n * tiles
    float *offset; // n * tiles, or NULL
} qq_fit;

// tile 0: a scale for a whole row. All codes and scales are 0 at first.
// QQ_ERR_ARGUMENT: no such grid; QQ_ERR_SIZE.
QQ_API size_t qq_fit_size(size_t n, size_t k, size_t tile, const qq_grid *g);
QQ_API qq_status qq_fit_make(size_t n, size_t k, size_t tile, const qq_grid *g,
                             void *memory, size_t bytes, qq_fit *f);

// What the weight has become: n rows of k floats, ldv apart.
QQ_API qq_status qq_fit_values(const qq_fit *f, float *v, size_t ldv);

// The array that qq_matrix_pack takes: integers as int2 to int8 (ternary as
// ternary), half-steps and books as QQ_TYPE_BOOK with levels behind the codes,
// one bit as sign. scale_type: f32, or f16 (the scales are rounded: do that
// before the last descent by qq_fit_options.f16). Offsets do not become part of
// it: give those of the fit to qq_matrix_options.
QQ_API size_t qq_fit_array_size(const qq_fit *f, qq_type scale_type);
QQ_API qq_status qq_fit_array(const qq_fit *f, qq_type scale_type, void *out,
                              size_t out_bytes, qq_array *view);

// --- options ---------------------------------------------------------------

// The order in which GPTQ decides on columns.
typedef enum qq_columns {
    QQ_COLUMNS_FALLING = 1, // by falling H_jj; of equal ones the first
    QQ_COLUMNS_NATURAL = 2
} qq_columns;

// Which starts the recipe tries; the better one is kept, row by row.
#define QQ_START_ROUND   1u // nearest codes
#define QQ_START_FALLING 2u // GPTQ, either order
#define QQ_START_NATURAL 4u

// A long call says how far it is, on the thread that called; an answer other
// than 0 stops it with QQ_ERR_CANCELLED and leaves the fit as it then is.
typedef int (*qq_progress)(void *user, size_t done, size_t all);

// Make one with qq_fit_options_init; NULL stands for the defaults, which are
// those of the recipe. A struct of zeros is refused.
typedef struct qq_fit_options {
    uint32_t init;
    unsigned starts;       // FALLING | NATURAL
    unsigned candidates;   // of the scale search, a sign: 40
    unsigned fixed_points; // at most, after it: 4
    unsigned sweeps;       // of a descent, at most: 50
    unsigned rounds;       // of refit and descent: 2
    double gain;           // a round that gains less ends them: .001 of J
    int f16;               // 1: scales are f16 in the end: 0
    size_t parts;          // from 1 on: 1
    qq_parallel_for parallel;
    void *parallel_user;
    qq_progress progress;
    void *progress_user;
    // Scales that every start is tried from, 1 to 5, those of the search times
    // 1, .9, 1.1, .8, 1.2: 1. Each one more costs what the first one does; 3
    // lower J by 2 to 3 % at 3 bits.
    unsigned scales;
} qq_fit_options;

QQ_API qq_fit_options qq_fit_options_init(void);

// Which members make no sense: bit i for the i-th behind init, from 0; 0 where
// all is well. *bad may be NULL. QQ_ERR_ARGUMENT if any.
QQ_API qq_status qq_fit_options_check(const qq_fit_options *o, uint32_t *bad);

// Scratch of every call below; SIZE_MAX for what they would refuse. With k =
// 4096 and tiles of 32 it is 195 MiB, and 7 MiB for every part.
QQ_API size_t qq_fit_scratch_size(const qq_fit *f, const qq_fit_options *o);

// --- steps -----------------------------------------------------------------
// w: n rows of k floats, ldw apart. h: k * k floats, damped.

// Scales (and offsets): those of +-s0 (1.1 - .0225 i), i below candidates,
// with the least sum of d_j (w_j - v_j)^2, then refined by s = sum d q w / sum
// d q^2 while that falls. d: k weights, the diagonal of H as a rule, NULL: 1.
// s0 makes the outermost level the largest weight. With offsets: the range of
// the weights shrunk by 1 - i / candidates. A tile of zeros has scale 0. Codes
// become the nearest ones.
QQ_API qq_status qq_fit_search(qq_fit *f, const qq_fit_options *o,
                               const float *w, size_t ldw, const float *d,
                               void *scratch, size_t scratch_bytes);

// Codes by GPTQ: column after column, the error made so far being paid back by
// those to come. Scales stay.
QQ_API qq_status qq_fit_gptq(qq_fit *f, const qq_fit_options *o,
                             qq_columns order, const float *w, size_t ldw,
                             const float *h, size_t h_bytes, void *scratch,
                             size_t scratch_bytes);

// Codes by coordinate descent: each goes to where J is least, all others
// staying, until a sweep changes none. J never rises.
QQ_API qq_status qq_fit_descend(qq_fit *f, const qq_fit_options *o,
                                const float *w, size_t ldw, const float *h,
                                size_t h_bytes, void *scratch,
                                size_t scratch_bytes);

// Scales and offsets of every row: those of least J with these codes. J never
// rises.
QQ_API qq_status qq_fit_refit(qq_fit *f, const qq_fit_options *o,
                              const float *w, size_t ldw, const float *h,
                              size_t h_bytes, void *scratch,
                              size_t scratch_bytes);

// J of every row: n numbers.
QQ_API qq_status qq_fit_errors(const qq_fit *f, const qq_fit_options *o,
                               const float *w, size_t ldw, const float *h,
                               size_t h_bytes, double *errors, void *scratch,
                               size_t scratch_bytes);

// The recipe: the scale search under the diagonal of H; each start, from each
// of its scales, followed by rounds of refit and descent; the better one, row
// by row, nearest codes among them whatever starts says, so that no row is
// worse than those. errors: n numbers, J of every row, or NULL.
QQ_API qq_status qq_fit_solve(qq_fit *f, const qq_fit_options *o,
                              const float *w, size_t ldw, const float *h,
                              size_t h_bytes, double *errors, void *scratch,
                              size_t scratch_bytes);

// --- around a layer --------------------------------------------------------

// b' = b + W mean(x_f) - V mean(x_q) [+ rho mean(r)]: what centred moments
// leave to the bias. Both means are those of x where there is one stream. b and
// r (n numbers) may be NULL; out may be b. v: n rows of k, ldv apart.
QQ_API qq_status qq_bias_correct(size_t n, size_t k, const float *w, size_t ldw,
                                 const float *v, size_t ldv,
                                 const float *mean_f, const float *mean_q,
                                 const float *b, const float *r, float rho,
                                 float *out);

// The target of a layer whose input is no longer what it was: x_q from the net
// quantized so far, x_f from the float net, the same rows.
//
//   T = W + alpha (W (C - H) + rho R) (H + ridge mean(diag H))^-1
//
// C: moments of y = x_f over x = x_q (k * k); R: of y = r_f - r_q (n * k), for
// layers whose output is added to a residual stream r as it is just before;
// NULL: none. Both centred if H is. H is not damped yet: that of the fit is.
// With c NULL and R the cross moment of any wanted output's error, T aims at
// that. Columns with H_jj = 0 are left as they are. T may be W. Defaults:
// alpha .75, rho 1, ridge .01.
typedef struct qq_target_options {
    uint32_t init;
    double alpha;
    double rho;
    double ridge;
    size_t parts;
    qq_parallel_for parallel;
    void *parallel_user;
} qq_target_options;

QQ_API qq_target_options qq_target_options_init(void);
QQ_API size_t qq_target_scratch_size(size_t n, size_t k,
                                     const qq_target_options *o);
QQ_API qq_status qq_target(size_t n, size_t k, const qq_target_options *o,
                           const float *w, size_t ldw, const float *h,
                           size_t h_bytes, const float *c, size_t c_bytes,
                           const float *r, size_t r_bytes, float *t, size_t ldt,
                           void *scratch, size_t scratch_bytes);

// The rank-r matrix L = left * right (n * r and r * k) that is nearest to W - V
// under H: a correction in floats beside the codes, for wide layers of 1 or 2
// bits. Fit W - L, correct again, a few times.
QQ_API size_t qq_rank_scratch_size(size_t n, size_t k, size_t r);
QQ_API qq_status qq_rank_correct(size_t n, size_t k, size_t r, const float *e,
                                 size_t lde, const float *h, size_t h_bytes,
                                 float *left, float *right, void *scratch,
                                 size_t scratch_bytes);

#endif // QQUANT_API_SOLVE_H
