// qquant floor 5: what a set of kernels is, and what it is handed.
//
// A kernel set belongs to a rung of the ladder. The driver (matrix/) describes
// a product in a qqi_product and asks the set for a plan: how x shall lie, who
// makes codes of it, who multiplies. Then, for every group of columns,
//
//   plan.prepare(p, group)                        phase 0
//   plan.multiply(p, group, first, last, work)    phase 1, panels first ...
//                                                 last - 1, in any pieces
//
// A new set starts from the plan of the scalar one and replaces what it does
// faster; what it returns must equal the scalar result bit for bit
// (api/matmul.h states the arithmetic). No function here checks anything, and
// none reads or writes a byte outside of what it is handed: whole cells,
// sections of a panel up to their multiple of 64 bytes, all of a group.
//
// COLUMNS. A column is a row of x, as in y = W x. A group holds count of them
// and has room for width: int16 and int24 inputs are digits = 2 or 3 columns
// of int8 each, the low digit first, column i having the digits digits * i and
// following: x = sum of 256^d * digit d. Columns from count * digits to width
// are zeros. With unit u, number k of column c is byte
//
//   k / u * u * width + c * u + k % u
//
// of q: unit 4 is what dot instructions of 4 bytes broadcast, 64 what AMX
// loads as rows of a tile. p->padded numbers a column, zeros from k on.

#ifndef QQUANT_KERNEL_KERNEL_H
#define QQUANT_KERNEL_KERNEL_H

#include "api/matmul.h"
#include "compiler.h"

// Columns of q that count in one exact sum of int32: a tile, or 65536 at a
// time where a tile is longer. 255 * 128 * 65536 = 2139095040 < 2^31.
#define QQI_SPAN ((size_t)65536)

// Bytes of work that multiply has to itself, aligned to 64; where a product has
// more than 8 columns (rows of x times digits), or more than one and codes of 8
// bits or a book, qqi_wide_bytes more follow, room for 4096 codes each of two
// panels as bytes.
#if QQ_NO_SIMD
#  define QQI_WORK_BYTES ((size_t)1024)
#else
#  define QQI_WORK_BYTES ((size_t)16384)
#endif

QQI_INLINE size_t qqi_wide_bytes(size_t padded)
{
    return QQ_NO_SIMD ? 0 : 32 * (padded < 4096 ? padded : 4096);
}

// What a stored code means.
typedef enum qqi_code {
    QQI_CODE_PLAIN = 1, // the integer mul * code - add (add: or a zero point)
    QQI_CODE_BOOK = 2,  // the integer book[code] - add; levels[code] in f32
    QQI_CODE_E4M3FN = 3,
    QQI_CODE_E5M2 = 4
} qqi_code;

// One product: the matrix, x, y and how.
typedef struct qqi_product {
    // The matrix. A place of 0 means that there is no such section.
    size_t n;
    size_t k;
    size_t tile; // columns that share a scale; the last ones may be fewer
    size_t tiles;
    unsigned bits; // of a stored code
    qqi_code code;
    int32_t mul;
    int32_t add;      // ignored where there are zero points
    uint8_t book[16]; // levels + add: 0 to 255
    float levels[16];
    qq_type scale_type;
    float scale2;
    float unit;
    const uint8_t *panels;
    size_t panel_bytes;
    size_t scale_at;
    size_t zero_at;
    size_t factor_at;
    size_t bias_at;
    const uint8_t *factors; // of the columns, f32, or NULL

    // Cells of panel i: cells + (i - cells_from) * cells_bytes. In the panel,
    // or expanded from base 3.
    const uint8_t *cells;
    size_t cells_bytes;
    size_t cells_from;
    // Sums of (code - zero point), tiles * 16 int32, likewise; only where x
    // has a zero point. Little-endian, as all that is packed.
    const uint8_t *sums;
    size_t sums_bytes;
    size_t sums_from;

    // x and what is made of it. input is never the default.
    const uint8_t *x;
    size_t ldx;
    qq_type x_type;
    qq_input input;
    float x_scale;
    int32_t x_zero;
    const float *x_scales;
    unsigned digits; // 1 to 3
    size_t span;     // at most QQI_SPAN; a tile, or a piece of one
    size_t spans;    // of k
    size_t padded;   // k up to a multiple of 64
    int open;        // 1: the driver reads q, which must lie as stated above

    // y.
    uint8_t *y;
    size_t ldy;
    float lo;
    float hi;
    int accumulate;
} qqi_product;

// A group of columns. The memory is the driver's.
typedef struct qqi_columns {
    size_t first; // its first row of x and y
    size_t count; // rows of x
    size_t width; // columns that q has room for
    unsigned unit;
    int8_t *q;    // padded * width bytes
    int32_t *sum; // sum[s * width + c]: of span s of column c
    float *scale; // scale[i] of row first + i; by tile: scale[t * width + i]
    // Room for what a table engine looks up, 8 bytes for every number of q:
    // 1-bit codes and at most 4 columns, all in one group; else NULL.
    uint8_t *table;
    float *real; // f32 mode instead of all that: real[k * width + i]
} qqi_columns;

// Makes q, sum and scale (or real) of rows first to first + count - 1 of x,
// zeros for what is missing.
typedef void (*qqi_prepare_fn)(const qqi_product *p, const qqi_columns *g);

// y of rows 16 * first to 16 * last - 1 (below n) for the rows of a group.
typedef void (*qqi_multiply_fn)(const qqi_product *p, const qqi_columns *g,
                                size_t first, size_t last, void *work);

// How a set wants to do a product.
typedef struct qqi_strategy {
    qqi_prepare_fn prepare;
    qqi_multiply_fn multiply;
    unsigned columns; // the widest group: a multiple of 4, up to 512
    unsigned widths;  // which narrow ones there are: bit w for width w; 1 and
                      // 4 always, maybe 2 and 3. Wider ones: multiples of 4
    unsigned unit;    // 4, 8, 16, 32 or 64
    unsigned panels;  // panels that multiply likes to have at once
} qqi_strategy;

// Quantizes rows straight into a panel (kernel/encode.h); 0: not this way.
struct qqi_encode;
typedef int (*qqi_encode_fn)(const struct qqi_encode *e, uint8_t *panel);

typedef struct qqi_kernel {
    qq_isa isa;
    void (*choose)(const qqi_product *p, qqi_strategy *how);
    // Expands count times 256 bytes of base 3 into five cells each.
    void (*expand)(size_t count, const uint8_t *packed, uint8_t *cells);
    // Codes of 16 rows, 32 bytes a row, to the cells of as many columns, 1 to
    // 32: qqi_cells_bytes(bits, columns), 64 * bits for all 32.
    void (*pack)(unsigned bits, size_t columns, const uint8_t *codes,
                 uint8_t *cells);
    qqi_encode_fn encode;
} qqi_kernel;

// A panel, and its cells.
QQI_INLINE const uint8_t *qqi_panel(const qqi_product *p, size_t i)
{
    return p->panels + i * p->panel_bytes;
}

QQI_INLINE const uint8_t *qqi_panel_cells(const qqi_product *p, size_t i)
{
    return p->cells + (i - p->cells_from) * p->cells_bytes;
}

QQI_INLINE const uint8_t *qqi_panel_sums(const qqi_product *p, size_t i)
{
    return p->sums + (i - p->sums_from) * p->sums_bytes;
}

// Where number k of column c stands in q.
QQI_INLINE size_t qqi_columns_at(const qqi_columns *g, size_t k, size_t c)
{
    return k / g->unit * g->unit * g->width + c * g->unit + k % g->unit;
}

#endif // QQUANT_KERNEL_KERNEL_H
