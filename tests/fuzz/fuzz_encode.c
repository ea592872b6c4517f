// Any floats encode: single numbers, packing, ternary layouts, code books,
// conversions of tensors, metrics.

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void numbers(fuzz_input in)
{
    while (in.size) {
        const qq_type type = (qq_type)(fuzz_u8(&in) % 64);
        const float x = fuzz_f32(&in);
        const uint32_t code = qq_type_encode(type, x);
        const unsigned bits = qq_type_bits(type);
        fuzz_require(bits >= 32 || code >> bits == 0);
        const float y = qq_type_decode(type, code);
        // What was read back encodes to itself, but for types of zeros alike.
        if (bits && bits <= 8 && y == y && y != 0.0f)
            fuzz_require(qq_type_decode(type, qq_type_encode(type, y)) == y);
    }
}

static void packing(fuzz_input in)
{
    const unsigned bits = fuzz_u8(&in) % 18;
    const qq_order order = (qq_order)(fuzz_u8(&in) % 6);
    const size_t start = fuzz_u8(&in) % 40;
    const size_t wide = bits == 16 ? 2 : 1;
    const size_t count = in.size / wide;
    uint8_t *codes = (uint8_t *)fuzz_room(count * wide);
    uint8_t *back = (uint8_t *)fuzz_room(count * wide);
    memcpy(codes, in.data, count * wide);
    const size_t bytes = qq_pack_size(bits, order, start + count);
    if (bytes != SIZE_MAX) {
        uint8_t *packed = (uint8_t *)fuzz_room(bytes);
        memset(packed, 0x5a, bytes);
        if (qq_pack_bits(bits, order, start, count, codes, packed, bytes) ==
            QQ_OK) {
            fuzz_require(qq_unpack_bits(bits, order, 0, start, count, packed,
                                        bytes, back, count * wide) == QQ_OK);
            for (size_t i = 0; wide == 1 && i < count; i++)
                fuzz_require(back[i] == (codes[i] & ((1u << bits) - 1u)));
        }
        free(packed);
    }
    free(codes);
    free(back);
}

static void books(fuzz_input in)
{
    float levels[256];
    const size_t level_count = fuzz_u8(&in);
    for (size_t i = 0; i < level_count; i++)
        levels[i] = fuzz_f32(&in);
    const size_t count = in.size / 4;
    float *x = (float *)fuzz_room(count * sizeof *x);
    uint8_t *codes = (uint8_t *)fuzz_room(count);
    for (size_t i = 0; i < count; i++)
        x[i] = fuzz_f32(&in);
    if (qq_book_encode(levels, level_count, count, x, codes) == QQ_OK)
        fuzz_require(qq_book_decode(levels, level_count, count, codes, x) ==
                     QQ_OK);
    free(x);
    free(codes);
}

static void ternary(fuzz_input in)
{
    const qq_ternary_layout layout = (qq_ternary_layout)(fuzz_u8(&in) % 5);
    const size_t bytes = qq_ternary_size(layout, in.size);
    int8_t *values = (int8_t *)fuzz_room(in.size);
    int8_t *back = (int8_t *)fuzz_room(in.size);
    for (size_t i = 0; i < in.size; i++)
        values[i] = (int8_t)(in.data[i] % 3 - 1);
    if (bytes != SIZE_MAX) {
        uint8_t *packed = (uint8_t *)fuzz_room(bytes);
        if (qq_ternary_pack(layout, in.size, values, packed, bytes) == QQ_OK) {
            fuzz_require(qq_ternary_unpack(layout, in.size, packed, bytes,
                                           back) == QQ_OK);
            fuzz_require(memcmp(values, back, in.size) == 0);
        }
        free(packed);
    }
    free(values);
    free(back);
}

static void tensors(fuzz_input in)
{
    static const qq_type floats[4] = {QQ_TYPE_F32, QQ_TYPE_F64, QQ_TYPE_F16,
                                      QQ_TYPE_BF16};
    const qq_type from = floats[fuzz_u8(&in) % 4];
    const qq_type to = (qq_type)(fuzz_u8(&in) % 64);
    qq_tensor t, y;
    void *data = fuzz_tensor(&in, from, &t);
    const size_t bytes = qq_type_bytes(to, qq_tensor_count(&t));
    if (bytes != SIZE_MAX) {
        void *out = fuzz_room(bytes);
        qq_metrics m;
        if (qq_tensor_convert(&t, to, out, bytes, &y) == QQ_OK)
            (void)qq_compare(&t, &y, &m);
        free(out);
    }
    free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in;
    in.data = data;
    in.size = size;
    switch (fuzz_u8(&in) % 5) {
    case 0:
        numbers(in);
        break;
    case 1:
        packing(in);
        break;
    case 2:
        books(in);
        break;
    case 3:
        ternary(in);
        break;
    default:
        tensors(in);
    }
    return 0;
}
