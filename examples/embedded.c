// A small network on a machine without a heap or an operating system:
//
//   cc -I. examples/embedded.c -o embedded && ./embedded
//
// Static buffers only; of the C library nothing but memcpy, memmove and
// memset; prints nothing. A 16-8 layer and an 8-4 layer are quantized to int4
// and to ternary, read back a row at a time and multiplied. main returns 0 if
// the answer is the expected one to the bit, so the program is its own test
// on any machine, an emulated Cortex-M0+ among them.

#define QQUANT_STATIC
#define QQ_NO_FILE
#define QQ_NO_MATRIX
#define QQ_NO_OP
#define QQ_NO_TRAIN
#define QQUANT_IMPLEMENTATION
#include "qquant.h"

enum { IN = 16, HIDDEN = 8, OUT = 4 };

static float weight0[HIDDEN * IN], weight1[OUT * HIDDEN];
static unsigned char packed0[HIDDEN * IN / 2 + 4 * HIDDEN];
static unsigned char packed1[OUT * HIDDEN / 4 + 4 * OUT];
static qq_array layer0, layer1;

// Small whole numbers over 64, from a counter: exact in f32.
static void fill(float *x, int count, uint32_t seed)
{
    for (int i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)((int)(seed >> 26) - 32) / 64.0f;
    }
}

static qq_status prepare(qq_type type, const float *w, size_t n, size_t k,
                         void *out, size_t out_bytes, qq_array *array)
{
    const size_t shape[2] = {n, k};
    const qq_tensor t = qq_tensor_make(w, QQ_TYPE_F32, 2, shape);
    qq_scheme scheme = qq_scheme_init(type);
    const qq_status status = qq_scheme_channel(&scheme, 0, 2);
    if (status != QQ_OK)
        return status;
    return qq_quantize(&t, &scheme, out, out_bytes, array);
}

// y = W x, decoding number by number: no row of floats is ever in memory.
static void multiply(const qq_array *w, const float *x, float *y)
{
    const size_t n = w->value.shape[0], k = w->value.shape[1];
    for (size_t i = 0; i < n; i++) {
        float sum = 0.0f;
        for (size_t j = 0; j < k; j++)
            sum = qq_fma(qq_tensor_value(&w->value, i * k + j), x[j], sum);
        y[i] = sum * qq_tensor_value(&w->scale, i);
    }
}

// A hash of floats, FNV-1a over their bits from the lowest byte up.
static uint32_t hash(const float *x, int count)
{
    uint32_t h = 2166136261u;
    for (int i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        for (int b = 0; b < 32; b += 8)
            h = (h ^ (bits >> b & 255u)) * 16777619u;
    }
    return h;
}

int main(void)
{
    static float x[IN], hidden[HIDDEN], y[OUT];
    fill(weight0, HIDDEN * IN, 1);
    fill(weight1, OUT * HIDDEN, 2);
    fill(x, IN, 3);
    if (prepare(QQ_TYPE_INT4, weight0, HIDDEN, IN, packed0, sizeof packed0,
                &layer0) != QQ_OK ||
        prepare(QQ_TYPE_TERNARY, weight1, OUT, HIDDEN, packed1, sizeof packed1,
                &layer1) != QQ_OK)
        return 1;
    multiply(&layer0, x, hidden);
    for (int i = 0; i < HIDDEN; i++)
        hidden[i] = hidden[i] > 0.0f ? hidden[i] : 0.0f;
    multiply(&layer1, hidden, y);
    return hash(y, OUT) == 0x1f142841u ? 0 : 2;
}
