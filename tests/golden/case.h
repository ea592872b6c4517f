// What checkers see of a case: its settings, its inputs, and the claims they
// make about its outputs.
//
// A checker is void check(struct golden_case *c). It reads settings and
// inputs, calls the library, and claims every output. The case passes if each
// "out" and each "text" was claimed and found right, and, in mode refuse, if a
// call refused. So a checker that forgets an output fails. A file of checkers
// includes "checkers.h", which is in its own folder, and nothing else:
//
//     const qq_tensor x = golden_input(c, "x");
//     qq_scheme s = ...;
//     const size_t bytes = qq_array_size(&x, &s);
//     void *out = golden_bytes(c, bytes);
//     qq_array a;
//     if (!golden_ok(c, qq_quantize(&x, &s, out, bytes, &a)))
//         return;
//     golden_expect_tensor(c, "codes", &a.value);
//     golden_expect_tensor(c, "scale", &a.scale);

#ifndef QQUANT_TESTS_GOLDEN_CASE_H
#define QQUANT_TESTS_GOLDEN_CASE_H

#include "reader.h"

// --- verdicts --------------------------------------------------------------

// The case fails, with a reason as of printf. The first reason is printed.
#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(__printf__, 2, 3)))
#endif
void golden_fail(struct golden_case *c, const char *format, ...);

// This variant belongs to later work; the case counts as not covered.
void golden_not_covered(struct golden_case *c);

// Judges a status. Mode refuse: anything but QQ_OK is what was wanted. Other
// modes: anything but QQ_OK is a failure. Returns 1 if status is QQ_OK, so a
// checker stops where it is 0, whatever the mode.
int golden_ok(struct golden_case *c, qq_status status);

// In mode refuse: the library has no way to ask for this, which counts as a
// refusal (an unknown word where it takes an enumerator). Else a failure.
// why says what cannot be asked.
void golden_refuses(struct golden_case *c, const char *why);

// The origin line contains a word ("release", "0.0.47"); the file's name
// begins with a prefix ("bits-", "noise").
int golden_origin_has(const struct golden_case *c, const char *word);
int golden_file_is(const struct golden_case *c, const char *prefix);

// --- settings --------------------------------------------------------------
// A value that is there and cannot be read fails the case.

// The raw value, NULL where the case has no such key.
const char *golden_set(struct golden_case *c, const char *key);

// The value is there and is exactly this word.
int golden_is(struct golden_case *c, const char *key, const char *word);

// yes 1, no 0; an integer (wide: beyond 32 bits, too); a C hex float or a
// decimal one. Where the key is absent or "none": the last argument.
int golden_yes(struct golden_case *c, const char *key, int absent);
long golden_int(struct golden_case *c, const char *key, long absent);
int64_t golden_wide(struct golden_case *c, const char *key, int64_t absent);
double golden_float(struct golden_case *c, const char *key, double absent);

// Integers with blanks or commas between; how many. "none", "empty" and an
// absent key are 0.
size_t golden_ints(struct golden_case *c, const char *key, long *out,
                   size_t max);

// "3x5", "3 5", "3,5"; "scalar" and "none" have rank 0, "0x3" is empty. The
// rank.
unsigned golden_shape(struct golden_case *c, const char *key, size_t *shape);

// Words "axis:tile": a count, or a hex float (a fraction). How many.
struct golden_tile {
    long axis;
    long size;       // 0 where it is a fraction
    double fraction; // 0 where it is a size
};
size_t golden_tiles(struct golden_case *c, const char *key,
                    struct golden_tile *out, size_t max);

// The value of a word of a line "word:value word:value" (aqt: "bits" of the
// setting "numerics"), copied to out, which holds size bytes. 0, and "" in
// out, if the setting or the word is absent.
int golden_field(struct golden_case *c, const char *key, const char *word,
                 char *out, size_t size);

// One number from text; 1 if all of it was read. Decimal, and hex floats.
int golden_read_int(const char *text, long *out);
int golden_read_float(const char *text, double *out);

// --- inputs ----------------------------------------------------------------

int golden_has_input(const struct golden_case *c, const char *name);

// The words as they stand in the file; NULL if there is no such input.
const struct golden_array *golden_raw(struct golden_case *c, const char *name);

// The input as a tensor of packed bytes in the machine's order, at an odd
// address, in a block of exactly its size. Type none, which the library
// refuses, where the input is absent, has more than QQ_MAX_RANK axes, or is of
// a type the library does not have (bool, i64, u16, u32, u64, i1).
qq_tensor golden_input(struct golden_case *c, const char *name);

// The same with another type for the codes: int3 whose words are of type i4,
// ternary or sign whose words are the values, nf4 and books whose words are
// codes (u4, u8), e2m1 or e4m3fn for the formats made of them.
qq_tensor golden_input_as(struct golden_case *c, const char *name,
                          qq_type type);

// The input as an aligned array of its count; NULL, and a failure, where it
// is absent or of another type. count may be NULL.
float *golden_f32s(struct golden_case *c, const char *name, size_t *count);
int32_t *golden_i32s(struct golden_case *c, const char *name, size_t *count);
uint32_t *golden_u32s(struct golden_case *c, const char *name, size_t *count);

// A text that the case gives instead of asking for it; NULL if absent.
const char *golden_given_text(struct golden_case *c, const char *name);

// Memory of the case, freed after it: bytes at an odd address with nothing
// behind them, and aligned bytes. Never NULL; filled with 0xa5.
void *golden_bytes(struct golden_case *c, size_t bytes);
void *golden_aligned(struct golden_case *c, size_t bytes);

// --- claims ----------------------------------------------------------------

// The case has this output (or text).
int golden_wants(const struct golden_case *c, const char *name);

// The output is this tensor: same shape (flat: same count), and every element
// as the mode demands. Integers and codes of books are compared by value,
// floats by bits, so the types of floats must agree.
void golden_expect_tensor(struct golden_case *c, const char *name,
                          const qq_tensor *t);
void golden_expect_flat(struct golden_case *c, const char *name,
                        const qq_tensor *t);

// The same for arrays of the program; only the count must agree, and the
// output's type must be that float, or any integer or bool for integers (i64
// and negative numbers among u64s in two's complement).
void golden_expect_f32s(struct golden_case *c, const char *name, const float *x,
                        size_t count);
void golden_expect_f64s(struct golden_case *c, const char *name,
                        const double *x, size_t count);
void golden_expect_i32s(struct golden_case *c, const char *name,
                        const int32_t *x, size_t count);
void golden_expect_u32s(struct golden_case *c, const char *name,
                        const uint32_t *x, size_t count);
void golden_expect_u64s(struct golden_case *c, const char *name,
                        const uint64_t *x, size_t count);
void golden_expect_u8s(struct golden_case *c, const char *name,
                       const uint8_t *x, size_t count);
void golden_expect_i8s(struct golden_case *c, const char *name, const int8_t *x,
                       size_t count);

// The shape of the output is this one; for outputs claimed flat whose shape
// the library does answer.
void golden_expect_shape(struct golden_case *c, const char *name, unsigned rank,
                         const size_t *shape);

// The text is exactly this.
void golden_expect_text(struct golden_case *c, const char *name,
                        const char *text);

#endif // QQUANT_TESTS_GOLDEN_CASE_H
