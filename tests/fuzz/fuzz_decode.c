// Any bytes decode: arrays made of parts that came from somewhere, read back
// and moved about.

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void moves(fuzz_input *in, const qq_array *a)
{
    const size_t bytes = qq_array_bytes(a);
    qq_array view;
    if (bytes == SIZE_MAX)
        return;
    void *room = fuzz_room(bytes);
    unsigned axes[QQ_MAX_RANK];
    for (unsigned i = 0; i < QQ_MAX_RANK; i++)
        axes[i] = fuzz_u8(in) % 5;
    if (qq_array_transpose(a, axes, room, bytes, &view) == QQ_OK)
        fuzz_require(qq_array_check(&view) == QQ_OK);
    if (qq_array_swap_axes(a, (int)(fuzz_u8(in) % 11) - 5,
                           (int)(fuzz_u8(in) % 11) - 5, room, bytes,
                           &view) == QQ_OK)
        fuzz_require(qq_array_check(&view) == QQ_OK);
    size_t shape[QQ_MAX_RANK] = {0};
    const unsigned rank = fuzz_shape(in, shape);
    if (qq_array_reshape(a, rank, shape, &view) == QQ_OK) {
        fuzz_require(qq_array_check(&view) == QQ_OK);
        fuzz_require(qq_tensor_count(&view.value) ==
                     qq_tensor_count(&a->value));
    }
    free(room);
}

static void index_and_take(fuzz_input *in, const qq_array *a)
{
    qq_index index[6];
    qq_array view;
    const unsigned count = fuzz_u8(in) % 7;
    for (unsigned i = 0; i < count; i++) {
        index[i].kind = (qq_index_kind)(fuzz_u8(in) % 7);
        index[i].start = (int8_t)fuzz_u8(in);
        index[i].stop = (int8_t)fuzz_u8(in);
        index[i].step = (int8_t)fuzz_u8(in);
        index[i].has_start = fuzz_u8(in) & 1;
        index[i].has_stop = fuzz_u8(in) & 1;
    }
    const qq_rule rule = (qq_rule)(1 + fuzz_u8(in) % 2);
    const size_t bytes = qq_array_index_size(a, rule, index, count);
    if (bytes != SIZE_MAX) {
        void *room = fuzz_room(bytes);
        if (qq_array_index(a, rule, index, count, room, bytes, &view) == QQ_OK)
            fuzz_require(qq_array_check(&view) == QQ_OK);
        free(room);
    }

    const size_t rows[3] = {fuzz_u8(in), fuzz_u8(in) % 3, 0};
    const int axis = (int)(fuzz_u8(in) % 9) - 4;
    const size_t taken = qq_array_take_size(a, axis, 3);
    if (taken != SIZE_MAX) {
        void *room = fuzz_room(taken);
        if (qq_array_take(a, axis, 3, rows, room, taken, &view) == QQ_OK)
            fuzz_require(qq_array_check(&view) == QQ_OK);
        free(room);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in;
    in.data = data;
    in.size = size;
    const qq_type type = (qq_type)(fuzz_u8(&in) % 64);
    const qq_type scale_type = (qq_type)(fuzz_u8(&in) % 64);
    const int has_zero = fuzz_u8(&in) & 1;
    qq_type_info info;
    if (qq_type_get(type, &info) != QQ_OK)
        return 0;

    qq_tensor value, scale, zero;
    void *value_data = fuzz_tensor(&in, info.storage, &value);
    void *scale_data = fuzz_tensor(&in, scale_type, &scale);
    void *zero_data = fuzz_tensor(&in, type, &zero);
    qq_array a;
    if (qq_array_make(&value, &scale, has_zero ? &zero : NULL, type, &a) ==
        QQ_OK) {
        // Codes of a book mean nothing until somebody brings the levels.
        static const float levels[3] = {-1.0f, 0.5f, 2.0f};
        a.levels = levels;
        a.level_count = 3;
        fuzz_require(qq_array_check(&a) == QQ_OK);
        const qq_type out_type = fuzz_u8(&in) & 1 ? QQ_TYPE_F32 : QQ_TYPE_BF16;
        const size_t bytes = qq_type_bytes(out_type, qq_tensor_count(&a.value));
        void *out = fuzz_room(bytes);
        qq_tensor y;
        for (int rule = 0; rule < 10; rule++)
            (void)qq_dequantize(&a, (qq_rule)rule, out_type, out, bytes, &y);
        free(out);
        fuzz_require(qq_array_bits(&a) >= 0);
        moves(&in, &a);
        index_and_take(&in, &a);
    }
    free(value_data);
    free(scale_data);
    free(zero_data);
    return 0;
}
