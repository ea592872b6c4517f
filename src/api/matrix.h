// qquant floor 1: packed matrices: weights as the products want them.
//
// A packed matrix is one block of bytes, the same on every machine: it has no
// pointers, no alignment, and numbers are little-endian. It can be written to
// a file, mapped, put into flash, and multiplied where it lies.
//
// THE PACKED FORM. W has n rows and k columns. It is cut into panels of 16
// rows; the last one is filled up with rows of zero bytes. In order:
//
//   header           64 bytes
//   constants        64 bytes, if QQ_MATRIX_CONSTANTS (books, e4m3fn scales)
//   column factors   k f32, if QQ_MATRIX_COLUMN_FACTORS
//   panels           ceil(n / 16), each as long as the others
//
// and in a panel
//
//   cells            the codes
//   scales           tiles * 16, tiles in order of k, the 16 rows in each
//   zero points      tiles * 16 bytes, if QQ_MATRIX_ZERO_POINTS
//   row factors      16 f32, if QQ_MATRIX_ROW_FACTORS
//   bias             16 f32, if QQ_MATRIX_BIAS
//   sums             tiles * 16 int32, if QQ_MATRIX_SUMS
//   offsets          tiles * 16 f32, if QQ_MATRIX_OFFSET
//
// Each of these is filled up with zero bytes to a multiple of 64; where k is 0
// the cells are 64 zero bytes. tiles is ceil(k / tile_k), or 1 where tile_k is
// 0; 0 where k is 0.
//
//   header at  size  what
//           0     4  "QQMX"
//           4     2  version: 1
//           6     2  qq_type of the codes
//           8     2  qq_type of the scales: f32, f16, e8m0 or e4m3fn
//          10     2  planes: 1 (more are reserved)
//          12     4  flags, below
//          16     8  n
//          24     8  k
//          32     4  tile_n: rows that share a scale: 1, a multiple of 16, or
//                    0 for all (scales are stored for every row all the same)
//          36     4  tile_k: columns that share a scale: a multiple of 4 from
//                    8 to 65536 and below k, or 0 for all
//          40     4  seed \ of the rotation of x, if QQ_MATRIX_ROTATION;
//          44     4  log2 of the block / else 0
//          48     8  bytes of the whole packed form
//          56     8  0
//
//   constants at  size  what
//              0     4  f32: a second scale, of the whole matrix; else 1
//              4     4  the number of levels: 4 or 16 for QQ_TYPE_BOOK, else 0
//              8    16  the levels, int8, those that are missing 0
//             24    40  0
//
// Stored codes are unsigned: code + 2^(bits - 1) for int2 to int8, the code of
// qq_tensor for all others (sign: 0 or 1; ternary: value + 1). A zero point is
// a byte, stored the same way. A book of 4 levels has 2 bits, one of 16 has 4.
//
// CELLS. A cell is 64 bytes: 16 lanes of 4 bytes, lane r for row r. With b
// bits, b being 1, 2, 4 or 8, it holds 32 / b columns; byte j of a lane holds
// the columns j, 4 + j, 8 + j and so on, from the low bits up: bits b * f to
// b * f + b - 1, field f, belong to column 4 * f + j. So a mask shows four
// neighbouring columns as four bytes. Columns are filled up to whole cells
// with code 0. A 2 x 10 matrix of int4 codes (b = 4, a cell holds 8 columns),
// u[r][c] being the stored code:
//
//   byte   0: u[0][0] + 16 u[0][4]      byte  64: u[0][8]
//          1: u[0][1] + 16 u[0][5]            65: u[0][9]
//          2: u[0][2] + 16 u[0][6]            66: 0
//          3: u[0][3] + 16 u[0][7]            67: 0
//          4: u[1][0] + 16 u[1][4]            68: u[1][8]
//          5: u[1][1] + 16 u[1][5]            69: u[1][9]
//   ...
//          8 to 63: 0, for there are          70 to 127: 0
//                   no rows 2 to 15
//
// Other widths are sums: 3 = 2 + 1, 5 = 4 + 1, 6 = 4 + 2, 7 = 4 + 2 + 1. Each
// 32 columns have first the cells of their high bits, then those of the next
// ones: 3 bits are two cells of code >> 1, 16 columns each, and one cell of
// code & 1. Columns are filled up to 32.
//
// BASE 3 (QQ_MATRIX_BASE3, ternary only) stores 80 columns, which are five
// cells of 2 bits, in 256 bytes: with t(i, f) the 2-bit field f of byte x of
// cell i, byte 64 f + x is t(0, f) + 3 t(1, f) + 9 t(2, f) + 27 t(3, f) +
// 81 t(4, f), for f = 0 to 3. Bytes above 242 are read as 242.
//
// A small whole example: W = [1 -1], sign, one f32 scale of 0.5, is 64 + 128
// bytes: the header 51 51 4d 58  01 00  08 00  01 00  01 00  00 00 00 00, n 1,
// k 2, tiles 0 0, seed 0, bytes 192, 0; a cell whose byte 0 is 1 (column 0 is
// +1) and whose byte 1 is 0; 16 scales: 00 00 00 3f, then zeros.

#ifndef QQUANT_API_MATRIX_H
#define QQUANT_API_MATRIX_H

#include "api/array.h"
#include "api/rotation.h"

#define QQ_MATRIX_VERSION 1

// Flags of the header. Others are refused; those for half-step grids, signed
// scales and planes are reserved.
#define QQ_MATRIX_ZERO_POINTS    1u
#define QQ_MATRIX_ROW_FACTORS    2u
#define QQ_MATRIX_BIAS           4u
#define QQ_MATRIX_COLUMN_FACTORS 8u
#define QQ_MATRIX_SUMS           16u
#define QQ_MATRIX_BASE3          32u
#define QQ_MATRIX_CONSTANTS      64u
#define QQ_MATRIX_ROTATION       65536u
#define QQ_MATRIX_HALF_STEP      131072u
#define QQ_MATRIX_OFFSET         262144u
#define QQ_MATRIX_SIGNED_SCALES  524288u
#define QQ_MATRIX_PLANES         1048576u

// A view of packed bytes, made by the calls below: read it, do not fill it in.
// Owns nothing; free to copy as long as the bytes stay where they are.
typedef struct qq_matrix {
    uint32_t init;
    uint32_t flags;
    const void *data; // the packed bytes, the header first
    size_t bytes;
    size_t n;      // rows: outputs
    size_t k;      // columns: inputs
    size_t tile_n; // as in the header, 0 for all
    size_t tile_k;
    size_t tiles; // scales along k
    qq_type type;
    qq_type scale_type;
    unsigned bits;    // of a stored code
    size_t column_at; // where things lie: from the first byte ...
    size_t panel_at;
    size_t panels;
    size_t panel_bytes; // ... and from the first byte of a panel
    size_t scale_at;
    size_t zero_at;
    size_t factor_at;
    size_t bias_at;
    size_t sum_at;
    size_t offset_at;
    uint32_t seed; // of the rotation
    size_t block;  // 0: there is none
} qq_matrix;

// What goes along with the codes. Make one with qq_matrix_options_init; NULL
// stands for the defaults: nothing.
//   y[m][n] = a[n] * sum over k of W[n][k] * b[k] * x[m][k] + bias[n]
typedef struct qq_matrix_options {
    uint32_t init;
    const float *a;    // n row factors, or NULL
    const float *b;    // k column factors, or NULL: x * b is rounded first
    const float *bias; // n, or NULL
    int sums;  // 1: stores the sums of (code - zero point), which speed up
               // static inputs with a zero point; tiles up to 2^23 only
    int base3; // 1: ternary in 1.6 bits, expanded panel by panel
    // n * tiles, or NULL: what is added to all numbers of a tile of a row, in
    // f32, behind their scale.
    const float *offsets;
    // NULL, or what W was turned by before it was quantized: products turn x
    // first, x b then being (x Q) b. Its k is that of W, else QQ_ERR_SHAPE.
    const qq_rotation *rotation;
} qq_matrix_options;

QQ_API qq_matrix_options qq_matrix_options_init(void);

// --- packing ---------------------------------------------------------------

// The bytes of the packed form of an array; its data are not looked at, so
// pointers may be NULL. SIZE_MAX where qq_matrix_pack would refuse.
QQ_API size_t qq_matrix_size(const qq_array *a, const qq_matrix_options *o);

// Packs an array of shape {n, k}. Types: sign, ternary, int2 to int8, uint2,
// uint4, uint8, nf4, bnb_fp4, e2m1, mxfp4, nvfp4, e4m3fn, e5m2, mxfp8,
// mxfp8_16, and book with 4 or 16 levels that are integers from -128 to 127
// (codes beyond the book become its last one). Scales: f32, f16, e8m0, e4m3fn,
// or bf16, which are stored as f32. Tiles: all columns or a multiple of 4 from
// 8 to 65536; all rows, 1, or a multiple of 16; those of the zero points are
// the same. out: qq_matrix_size bytes, must not overlap a. *view becomes the
// matrix. QQ_ERR_TYPE; QQ_ERR_SHAPE: rank, tiles, sums of tiles too long;
// QQ_ERR_FORMAT: base 3 and a code of +2; QQ_ERR_UNSUPPORTED: an array with a
// bias of AQT's; QQ_ERR_SIZE.
QQ_API qq_status qq_matrix_pack(const qq_array *a, const qq_matrix_options *o,
                                void *out, size_t out_bytes, qq_matrix *view);

// The same from numbers (f32, f16, bf16) of shape {n, k}: the bytes are those
// of qq_quantize and qq_matrix_pack. Rule qquant only. Schemes whose scales
// belong to single rows go 16 rows at a time; others quantize all of x into
// scratch first. out: qq_matrix_quantize_size bytes; scratch:
// qq_matrix_quantize_scratch_size. QQ_ERR_SCHEME: another rule; what
// qq_quantize and qq_matrix_pack refuse; QQ_ERR_SCRATCH.
QQ_API size_t qq_matrix_quantize_size(const qq_tensor *x, const qq_scheme *s,
                                      const qq_matrix_options *o);
QQ_API size_t qq_matrix_quantize_scratch_size(const qq_tensor *x,
                                              const qq_scheme *s);
QQ_API qq_status qq_matrix_quantize(const qq_tensor *x, const qq_scheme *s,
                                    const qq_matrix_options *o, void *out,
                                    size_t out_bytes, void *scratch,
                                    size_t scratch_bytes, qq_matrix *view);

// A OneBit layer: signs of shape {n, k}, type sign (or ternary), no scales:
// a and b are those of the options. The scale that is stored is 1.
QQ_API size_t qq_matrix_sign_size(const qq_tensor *sign,
                                  const qq_matrix_options *o);
QQ_API qq_status qq_matrix_pack_sign(const qq_tensor *sign,
                                     const qq_matrix_options *o, void *out,
                                     size_t out_bytes, qq_matrix *view);

// --- reading ---------------------------------------------------------------

// A view of packed bytes from anywhere. The header and the constants are
// checked whole, and bytes against all that they announce; more bytes than
// these may follow. Codes, scales and factors are not read: any bytes there are
// some matrix. Nor are sums: where they are not those of the codes, machines
// differ in what comes of them. QQ_ERR_FORMAT: not a packed matrix, cut short,
// or at odds with itself; QQ_ERR_VERSION: a version or a flag that this library
// does not know; QQ_ERR_TYPE: a type that it does not multiply; QQ_ERR_SIZE:
// more than this machine can address.
QQ_API qq_status qq_matrix_open(const void *data, size_t bytes,
                                qq_matrix *view);

// The array again: codes, scales, zero points and levels as they were packed.
// out: qq_matrix_unpack_size bytes, must not overlap.
QQ_API size_t qq_matrix_unpack_size(const qq_matrix *w);
QQ_API qq_status qq_matrix_unpack(const qq_matrix *w, void *out,
                                  size_t out_bytes, qq_array *view);

// The factors: n, k and n floats; each may be NULL. Where the matrix has none
// a and b are filled with 1 and bias with 0.
QQ_API qq_status qq_matrix_factors(const qq_matrix *w, float *a, float *b,
                                   float *bias);

// The offsets, n * tiles floats; 0 where the matrix has none.
QQ_API qq_status qq_matrix_offsets(const qq_matrix *w, float *out,
                                   size_t out_bytes);

// What W is turned by; *r is left alone, and 0 the answer, if it is not.
QQ_API int qq_matrix_rotation(const qq_matrix *w, qq_rotation *r);

// Rows as f32, out[i][c] = W[rows[i]][c], rows NULL: the first count ones.
// Each is what qq_dequantize makes of the array, then plus the offset, times a,
// times b, rounded every time, and turned back if W is turned. out: count * k
// floats. QQ_ERR_SHAPE: no such row.
QQ_API qq_status qq_matrix_row(const qq_matrix *w, size_t count,
                               const size_t *rows, void *out, size_t out_bytes);

#endif // QQUANT_API_MATRIX_H
