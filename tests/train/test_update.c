// Updates of quantized arrays: the window holds the update, all else stays.

#include "check.h"
#include "qquant.h"

enum { ROWS = 6, COLUMNS = 8, COUNT = ROWS * COLUMNS };

static qq_array quantize(qq_type type, const size_t *shape, uint32_t channels,
                         void *out, size_t bytes)
{
    static float x[COUNT];
    qq_scheme s = qq_scheme_init(type);
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 2, shape);
    qq_array a;

    memset(&a, 0, sizeof a);
    s.channels = channels;
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

static void check_rows(qq_type type)
{
    const size_t shape[2] = {ROWS, COLUMNS}, part[2] = {2, COLUMNS};
    const size_t start[2] = {3, 0};
    uint8_t memory[1024], more[1024], out[1024];
    float before[COUNT], with[COUNT], after[COUNT];
    qq_array a = quantize(type, shape, 1, memory, sizeof memory);
    const qq_array u = quantize(type, part, 1, more, sizeof more);
    const size_t bytes = qq_array_bytes(&a);
    qq_array r;

    decode(&a, before, sizeof before);
    decode(&u, with, sizeof with);
    for (int i = 0; i < COUNT; i++) {
        const int row = i / COLUMNS;
        after[i] = row == 3 || row == 4 ? with[i - 3 * COLUMNS] : before[i];
    }
    CHECK(qq_aqt_update_slice(&a, &u, start, out + 1, bytes, &r) == QQ_OK);
    decode(&r, with, sizeof with);
    CHECK(memcmp(with, after, sizeof after) == 0);
    decode(&a, with, sizeof with); // the original is untouched
    CHECK(memcmp(with, before, sizeof before) == 0);
    // In place: the array lies as qq_quantize wrote it.
    CHECK(qq_aqt_update_slice(&a, &u, start, memory, bytes, &r) == QQ_OK);
    CHECK(r.value.data == a.value.data && r.scale.data == a.scale.data);
    decode(&r, with, sizeof with);
    CHECK(memcmp(with, after, sizeof after) == 0);
}

static void check_frame(void)
{
    const size_t shape[2] = {ROWS, COLUMNS};
    uint8_t memory[1024], out[1024], one[64];
    float before[COUNT], after[COUNT], row[COLUMNS];
    const qq_array a = quantize(QQ_TYPE_INT4, shape, 1, memory, sizeof memory);
    qq_array frame, r;

    // Row 5 becomes what row 2 is.
    CHECK(qq_aqt_frame(&a, 2, one, sizeof one, &frame) == QQ_OK);
    decode(&a, before, sizeof before);
    decode(&frame, row, sizeof row);
    CHECK(qq_aqt_update_frame(&a, &frame, 5, out, sizeof out, &r) == QQ_OK);
    decode(&r, after, sizeof after);
    memcpy(before + 5 * COLUMNS, row, sizeof row);
    CHECK(memcmp(before, after, sizeof after) == 0);
    CHECK(qq_aqt_update_frame(&a, &frame, 6, out, sizeof out, &r) ==
          QQ_ERR_SHAPE);
    CHECK(qq_aqt_update_frame(&a, &a, 0, out, sizeof out, &r) == QQ_ERR_SHAPE);
}

static void check_refused(void)
{
    const size_t shape[2] = {ROWS, COLUMNS}, part[2] = {2, COLUMNS};
    const size_t narrow[2] = {2, 4};
    const size_t zero[2] = {0, 0}, late[2] = {5, 0};
    uint8_t memory[1024], more[1024], out[1024];
    const qq_array a = quantize(QQ_TYPE_INT8, shape, 1, memory, sizeof memory);
    qq_array u = quantize(QQ_TYPE_INT8, part, 1, more, sizeof more);
    qq_array r;

    CHECK(qq_aqt_update_slice(&a, &u, late, out, sizeof out, &r) ==
          QQ_ERR_SHAPE);
    CHECK(qq_aqt_update_slice(&a, &u, zero, out, 10, &r) == QQ_ERR_SIZE);
    CHECK(qq_aqt_update_slice(&a, &u, zero, out, sizeof out, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_aqt_update_slice(&a, &u, NULL, out, sizeof out, &r) ==
          QQ_ERR_ARGUMENT);
    // One scale for all columns, and only half of them.
    u = quantize(QQ_TYPE_INT8, narrow, 1, more, sizeof more);
    CHECK(qq_aqt_update_slice(&a, &u, zero, out, sizeof out, &r) ==
          QQ_ERR_SHAPE);
    // Scales that are not there.
    u = quantize(QQ_TYPE_INT8, part, 0, more, sizeof more);
    CHECK(qq_aqt_update_slice(&a, &u, zero, out, sizeof out, &r) ==
          QQ_ERR_SHAPE);
    u = quantize(QQ_TYPE_INT4, part, 1, more, sizeof more);
    CHECK(qq_aqt_update_slice(&a, &u, zero, out, sizeof out, &r) ==
          QQ_ERR_TYPE);
}

int main(void)
{
    check_rows(QQ_TYPE_INT8);
    check_rows(QQ_TYPE_INT4);
    check_rows(QQ_TYPE_INT3);
    check_frame();
    check_refused();
    return check_done();
}
