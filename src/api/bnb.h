// qquant floor 1: the block formats of bitsandbytes.

#ifndef QQUANT_API_BNB_H
#define QQUANT_API_BNB_H

#include "api/tensor.h"

// What checkpoints quantized with bitsandbytes (0.50) hold, bit for bit. All
// arithmetic is in f32, each step rounded; x is f32, f16 or bf16, widened
// first. An array is one row of numbers, row-major; blocks of block_size
// follow each other without regard to its axes, the last one may be short. A
// block's absmax is its largest finite magnitude. NaN has the code of 0, an
// infinity the outermost code. out buffers must not overlap inputs.

// --- 4 bits ----------------------------------------------------------------
//
//   code  = that of the level nearest to x / absmax; exactly between two
//           (their middle in f32) the lower level
//   value = level[code] * absmax
//
// x / absmax is x * (1 / absmax) with two roundings in full blocks, as in
// bitsandbytes, and one division in a short last block, and where 1 / absmax
// is infinite. A block without a finite number but 0 has absmax 0. Byte i
// holds code 2i in its high four bits and 2i + 1 in the low ones; behind an
// odd count stands the code of 0. bnb_fp4 has two zeros: code 8 is read, not
// written.

// Make one with qq_bnb_options_init and change members; NULL is the defaults,
// a struct of zeros is refused.
typedef struct qq_bnb_options {
    uint32_t init;            // set by qq_bnb_options_init
    qq_type type;             // nf4 (default) or bnb_fp4
    size_t block_size;        // a power of two, 32 to 4096; default 64
    size_t nested_block_size; // scales that share a scale; default 0: scales
                              // are f32. bitsandbytes nests by 256
} qq_bnb_options;

QQ_API qq_bnb_options qq_bnb_options_init(void);

// A quantized weight: the tensors of a checkpoint, NAME.weight and
// NAME.weight.<member>, and what its quant_state says. Only the number of
// elements of the tensors counts, not their shapes. Owns nothing.
typedef struct qq_bnb_weight {
    qq_tensor packed;           // uint8: (count + 1) / 2 bytes
    qq_tensor absmax;           // a scale a block: f32; nested: uint8 codes
    qq_tensor quant_map;        // f32, 16 levels by code; none: the type's
    qq_tensor nested_absmax;    // f32, one for nested_block_size scales
    qq_tensor nested_quant_map; // f32, 256 levels; none: the dynamic map
    size_t shape[QQ_MAX_RANK];  // of the values
    unsigned rank;
    qq_type type;  // nf4 or bnb_fp4
    qq_type dtype; // of the values: f32, f16, bf16
    size_t block_size;
    size_t nested_block_size; // 0: scales are f32
    float nested_offset;      // the mean that was subtracted from scales
} qq_bnb_weight;

// The bytes that qq_bnb_quantize writes: scales, [nested scales, nested map,]
// packed codes. SIZE_MAX for arguments that it refuses.
QQ_API size_t qq_bnb_size(const qq_tensor *x, const qq_bnb_options *o);

// The bytes of scratch: 4 a block if scales are nested, else 0.
QQ_API size_t qq_bnb_scratch_size(const qq_tensor *x, const qq_bnb_options *o);

// Quantizes x. Nested: the offset is the mean of all absmax (their sum in f64,
// in order, rounded to f32 once); absmax - offset is quantized by the 8-bit
// format below with the signed dynamic map. *view points into out, its
// quant_map at constant memory. QQ_ERR_TYPE: x, or the options' type;
// QQ_ERR_ARGUMENT: other options; QQ_ERR_SIZE, QQ_ERR_SCRATCH.
QQ_API qq_status qq_bnb_quantize(const qq_tensor *x, const qq_bnb_options *o,
                                 void *out, size_t out_bytes, void *scratch,
                                 size_t scratch_bytes, qq_bnb_weight *view);

// The f32 scales of all blocks: absmax itself or, nested,
//
//   nested_quant_map[absmax[i]] * nested_absmax[i / nested_block_size] +
//   nested_offset
//
// with a rounding after each operation. out: 4 bytes a block.
QQ_API qq_status qq_bnb_scales(const qq_bnb_weight *w, void *out,
                               size_t out_bytes, qq_tensor *view);

// The values: level * scale, rounded to f32, then to type (f32, f16, bf16;
// none: w->dtype). out: qq_type_bytes(type, count). Both calls answer
// QQ_ERR_ARGUMENT: a block size that bitsandbytes does not have; QQ_ERR_TYPE:
// a type of w or of a tensor; QQ_ERR_SHAPE: a tensor with another number of
// elements than the shape demands; QQ_ERR_SIZE.
QQ_API qq_status qq_bnb_dequantize(const qq_bnb_weight *w, qq_type type,
                                   void *out, size_t out_bytes,
                                   qq_tensor *view);

// Reads the JSON of the tensor NAME.weight.quant_state.bitsandbytes__nf4 (or
// fp4), which is text in bytes: an object with quant_type, blocksize, dtype,
// shape and, where scales are nested, nested_blocksize, nested_offset and
// nested_dtype. Fills *w, with no tensors: the caller adds those. Other
// members are skipped. QQ_ERR_FORMAT: no such JSON, a member missing, twice,
// or of the wrong kind; QQ_ERR_TYPE: a type bitsandbytes does not write;
// QQ_ERR_SHAPE: more than QQ_MAX_RANK axes, or too large; QQ_ERR_ARGUMENT:
// NULL with bytes, a block size out of range.
QQ_API qq_status qq_bnb_state_parse(const void *json, size_t json_bytes,
                                    qq_bnb_weight *w);

// --- 8 bits by blocks ------------------------------------------------------
//
//   code  = the place of the level nearest to x / absmax; exactly between
//           two the lower one
//   value = level[code] * absmax
//
// Every x / absmax is one division. (bitsandbytes on the CPU searches in
// buckets and can miss the nearest level beside a middle and near 0; this
// does not.)

// The dynamic map: 256 levels, ascending, 0 and 1 among them. Group i of 0 to
// 6 holds, times 10^(i - 6), the middles between neighbours of n + 1 points
// from 0.1 to 1: n = 2^i and both signs if is_signed is not 0, else n =
// 2^(i+1).
QQ_API void qq_bnb_dynamic_map(int is_signed, float levels[256]);

typedef struct qq_bnb_blocks {
    qq_tensor codes;     // uint8, the shape of x
    qq_tensor absmax;    // f32, one a block
    qq_tensor quant_map; // f32, 256 levels; none: the signed dynamic map
    size_t block_size;
} qq_bnb_blocks;

// The bytes that qq_bnb_quantize_blocks writes: scales, the map if levels is
// NULL, codes.
QQ_API size_t qq_bnb_blocks_size(const qq_tensor *x, size_t block_size,
                                 const float *levels);

// Quantizes x. block_size: any above 0. levels: 256 finite ones, ascending,
// which *view keeps; NULL: the signed dynamic map. QQ_ERR_TYPE,
// QQ_ERR_ARGUMENT, QQ_ERR_SIZE.
QQ_API qq_status qq_bnb_quantize_blocks(const qq_tensor *x, size_t block_size,
                                        const float *levels, void *out,
                                        size_t out_bytes, qq_bnb_blocks *view);

// The values as f32, f16 or bf16. out: qq_type_bytes(type, count).
QQ_API qq_status qq_bnb_dequantize_blocks(const qq_bnb_blocks *b, qq_type type,
                                          void *out, size_t out_bytes,
                                          qq_tensor *view);

// --- int8 by rows (LLM.int8) -----------------------------------------------
//
//   code  = x * (127 / absmax), to nearest even
//   value = (code * absmax) * 7.874015718698502e-3f
//
// absmax is that of a row; rows run along the last axis. With a threshold t
// above 0 numbers of magnitude t and more are outliers: they count as 0, and
// so does the code of every number in a column that has one. A row without a
// finite number but 0 has absmax 0 and codes 0; where 127 / absmax would be
// infinite the code is (x / absmax) * 127.

typedef struct qq_bnb_rows {
    qq_tensor codes;   // int8, the shape of x
    qq_tensor absmax;  // f32, one a row (SCB in a checkpoint)
    qq_tensor columns; // int32, ascending: those with outliers
} qq_bnb_rows;

// The bytes that qq_bnb_quantize_rows writes at most: scales, columns (4
// bytes each, all of them; none if threshold is 0), codes.
QQ_API size_t qq_bnb_rows_size(const qq_tensor *x, float threshold);

// Quantizes x, rank 1 or more. threshold: 0 (none) or more. QQ_ERR_TYPE,
// QQ_ERR_SHAPE, QQ_ERR_ARGUMENT, QQ_ERR_SIZE.
QQ_API qq_status qq_bnb_quantize_rows(const qq_tensor *x, float threshold,
                                      void *out, size_t out_bytes,
                                      qq_bnb_rows *view);

// The values as f32, f16 or bf16 (columns play no part).
QQ_API qq_status qq_bnb_dequantize_rows(const qq_bnb_rows *r, qq_type type,
                                        void *out, size_t out_bytes,
                                        qq_tensor *view);

// sums[i][j] = sum over c of x[i][c] * y[j][c]: x (m, k) and y (n, k), int8,
// sums int32 (m, n). out: 4 * m * n bytes. QQ_ERR_SHAPE also for k above
// 131071, where a sum could leave int32.
QQ_API qq_status qq_bnb_rows_product(const qq_tensor *x, const qq_tensor *y,
                                     void *out, size_t out_bytes,
                                     qq_tensor *view);

// z[i][j] = (sums[i][j] * (x_absmax[i] * y_absmax[j])) * 6.200124e-05f [+
// bias[j]], a rounding after each operation (the constant is the original's,
// not 1 / 127^2), then rounded to type (f32, f16, bf16; bitsandbytes: f16).
// x_absmax, y_absmax: f32. bias: f32, f16 or bf16, may be NULL.
QQ_API qq_status qq_bnb_rows_scale(const qq_tensor *sums,
                                   const qq_tensor *x_absmax,
                                   const qq_tensor *y_absmax,
                                   const qq_tensor *bias, qq_type type,
                                   void *out, size_t out_bytes,
                                   qq_tensor *view);

#endif // QQUANT_API_BNB_H
