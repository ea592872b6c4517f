// Slices of quantized arrays: what a slice decodes to is the slice of what
// the array decodes to.

#include "check.h"
#include "qquant.h"

enum { ROWS = 6, COLUMNS = 8, DEPTH = 5, COUNT = ROWS * COLUMNS * DEPTH };

static const size_t shape[3] = {ROWS, COLUMNS, DEPTH};

// An array of a type with scales as the mask of channels says, and perhaps
// tiles of 2 along the second axis.
static qq_array quantize(qq_type type, uint32_t channels, int tiled, void *out,
                         size_t bytes)
{
    static float x[COUNT];
    qq_scheme s = qq_scheme_init(type);
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 3, shape);
    qq_array a;

    memset(&a, 0, sizeof a);
    s.channels = channels;
    if (tiled)
        s.tile[1] = 2;
    for (int i = 0; i < COUNT; i++)
        x[i] = check_uniform();
    CHECK(qq_quantize(&t, &s, out, bytes, &a) == QQ_OK);
    return a;
}

static void decode(const qq_array *a, float *out, size_t bytes)
{
    qq_tensor v;

    CHECK(qq_dequantize(a, QQ_RULE_QQUANT, QQ_TYPE_F32, out, bytes, &v) ==
          QQ_OK);
}

static void check_slice(qq_type type, uint32_t channels, int tiled)
{
    const size_t start[3] = {1, 2, 0}, count[3] = {4, 4, 5};
    uint8_t memory[8192], out[8192];
    float whole[COUNT], part[COUNT];
    const qq_array a = quantize(type, channels, tiled, memory, sizeof memory);
    const size_t bytes = qq_aqt_slice_size(&a, count);
    qq_array r;

    CHECK(bytes <= sizeof out);
    // At an odd address, in exactly as many bytes.
    CHECK(qq_aqt_slice(&a, start, count, out + 1, bytes, &r) == QQ_OK);
    CHECK(qq_array_check(&r) == QQ_OK && qq_array_bytes(&r) == bytes);
    decode(&a, whole, sizeof whole);
    decode(&r, part, sizeof part);
    for (size_t i = 0; i < 4 * 4 * 5; i++) {
        const size_t k = i % 5, j = i / 5 % 4 + 2, n = i / 20 + 1;
        CHECK(part[i] == whole[(n * COLUMNS + j) * DEPTH + k]);
    }
    CHECK(qq_aqt_slice(&a, start, count, out, bytes - 1, &r) == QQ_ERR_SIZE);
    CHECK(qq_aqt_frame_size(&a) != SIZE_MAX);
    for (size_t n = 0; n < ROWS; n++) {
        CHECK(qq_aqt_frame(&a, n, out, qq_aqt_frame_size(&a), &r) == QQ_OK);
        CHECK(r.value.rank == 2 && qq_array_check(&r) == QQ_OK);
        decode(&r, part, sizeof part);
        CHECK(memcmp(part, whole + n * COLUMNS * DEPTH,
                     COLUMNS * DEPTH * sizeof *part) == 0);
    }
    CHECK(qq_aqt_frame(&a, ROWS, out, sizeof out, &r) == QQ_ERR_SHAPE);
}

static void check_refused(void)
{
    const size_t zero[3] = {0, 0, 0}, odd[3] = {0, 1, 0};
    const size_t all[3] = {ROWS, COLUMNS, DEPTH}, beyond[3] = {7, 8, 5};
    const size_t less[3] = {ROWS, COLUMNS - 1, DEPTH};
    uint8_t memory[8192], out[8192];
    qq_array a = quantize(QQ_TYPE_INT8, 1, 1, memory, sizeof memory);
    qq_array r;

    CHECK(qq_aqt_slice(&a, zero, beyond, out, sizeof out, &r) == QQ_ERR_SHAPE);
    CHECK(qq_aqt_slice(&a, odd, all, out, sizeof out, &r) == QQ_ERR_SHAPE);
    CHECK(qq_aqt_slice(&a, odd, less, out, sizeof out, &r) == QQ_ERR_SHAPE);
    CHECK(qq_aqt_slice(&a, NULL, all, out, sizeof out, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_aqt_slice(NULL, zero, all, out, sizeof out, &r) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_aqt_slice(&a, zero, all, out, sizeof out, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_aqt_slice_size(&a, beyond) == SIZE_MAX);
    a.bias = a.scale;
    CHECK(qq_aqt_slice(&a, zero, all, out, sizeof out, &r) == QQ_ERR_TYPE);
}

int main(void)
{
    static const qq_type types[4] = {QQ_TYPE_INT8, QQ_TYPE_INT4, QQ_TYPE_INT3,
                                     QQ_TYPE_E4M3FN};

    for (int i = 0; i < 4; i++)
        for (uint32_t channels = 0; channels < 8; channels++)
            for (int tiled = 0; tiled < 2; tiled++)
                if (!tiled || !(channels & 2))
                    check_slice(types[i], channels, tiled);
    check_refused();
    return check_done();
}
