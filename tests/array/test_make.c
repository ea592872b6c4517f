// Arrays of parts, and parts that make no array.

#include "weights.h"

static uint8_t data[512];

static qq_tensor part(qq_type type, unsigned rank, size_t n0, size_t n1)
{
    const size_t shape[2] = {n0, n1};

    return qq_tensor_make(data, type, rank, shape);
}

static void test_make(void)
{
    const qq_tensor v = part(QQ_TYPE_INT8, 2, 4, 6);
    const qq_tensor s = part(QQ_TYPE_F32, 2, 2, 6);
    const qq_tensor z = part(QQ_TYPE_INT8, 2, 1, 3);
    qq_array a;

    CHECK(qq_array_make(&v, &s, &z, QQ_TYPE_NONE, &a) == QQ_OK);
    CHECK(a.type == QQ_TYPE_INT8 && a.tile[0] == 2 && a.tile[1] == 1);
    CHECK(a.zero_tile[0] == 4 && a.zero_tile[1] == 2);
    CHECK(a.scale2 >= 1.0f && a.scale2 <= 1.0f && a.bias.type == 0);
    CHECK(qq_array_check(&a) == QQ_OK);
    CHECK(qq_array_bits(&a) >= 8.0 + 8.0 * (48 + 3) / 24 &&
          qq_array_bits(&a) <= 8.0 + 8.0 * (48 + 3) / 24);
    CHECK(qq_array_make(&v, &s, NULL, QQ_TYPE_INT8, &a) == QQ_OK);
    CHECK(a.zero_point.type == QQ_TYPE_NONE);
}

static qq_status made(qq_tensor v, qq_tensor s, qq_tensor z, qq_type type)
{
    qq_array a;

    memset(&a, 0x55, sizeof a);
    const qq_status status =
        qq_array_make(&v, &s, z.type != QQ_TYPE_NONE ? &z : NULL, type, &a);
    CHECK(status == QQ_OK || a.scale2 < 1e20f); // 0x55555555 is left
    return status;
}

static void test_refused(void)
{
    const qq_tensor v = part(QQ_TYPE_INT8, 2, 4, 6);
    const qq_tensor s = part(QQ_TYPE_F32, 2, 2, 6);
    const qq_tensor no = part(QQ_TYPE_NONE, 0, 0, 0);
    const qq_type any = QQ_TYPE_NONE;
    qq_array a;

    CHECK(made(v, s, no, any) == QQ_OK);
    CHECK(made(v, part(QQ_TYPE_F32, 1, 2, 0), no, any) == QQ_ERR_SHAPE);
    CHECK(made(v, part(QQ_TYPE_F32, 2, 3, 6), no, any) == QQ_ERR_SHAPE);
    CHECK(made(v, part(QQ_TYPE_F32, 2, 8, 6), no, any) == QQ_ERR_SHAPE);
    CHECK(made(v, part(QQ_TYPE_F32, 2, 0, 6), no, any) == QQ_ERR_SHAPE);
    CHECK(made(v, part(QQ_TYPE_INT32, 2, 2, 6), no, any) == QQ_ERR_TYPE);
    CHECK(made(v, part(QQ_TYPE_E5M2, 2, 2, 6), no, any) == QQ_ERR_TYPE);
    CHECK(made(v, part(QQ_TYPE_E8M0, 2, 2, 6), no, any) == QQ_OK);
    CHECK(made(v, part(QQ_TYPE_F64, 2, 2, 6), no, any) == QQ_OK);
    CHECK(made(v, s, part(QQ_TYPE_INT4, 2, 2, 6), any) == QQ_ERR_TYPE);
    CHECK(made(v, s, part(QQ_TYPE_INT8, 2, 4, 4), any) == QQ_ERR_SHAPE);
    CHECK(made(v, s, part(QQ_TYPE_INT8, 1, 4, 0), any) == QQ_ERR_SHAPE);
    CHECK(made(part(QQ_TYPE_F32, 2, 4, 6), s, no, any) == QQ_ERR_TYPE);
    CHECK(made(part(QQ_TYPE_E8M0, 2, 4, 6), s, no, any) == QQ_ERR_TYPE);
    CHECK(made(v, s, no, QQ_TYPE_INT4) == QQ_ERR_TYPE);
    CHECK(made(part(QQ_TYPE_E2M1, 2, 4, 6), s, no, QQ_TYPE_MXFP4) == QQ_OK);
    CHECK(made(part(QQ_TYPE_E2M1, 2, 4, 6), s, no, QQ_TYPE_NF4) == QQ_ERR_TYPE);
    CHECK(made(part(QQ_TYPE_NF4, 2, 4, 6), s, part(QQ_TYPE_NF4, 2, 2, 6),
               any) == QQ_ERR_TYPE);
    CHECK(qq_array_make(NULL, &s, NULL, any, &a) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_make(&v, NULL, NULL, any, &a) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_make(&v, &s, NULL, any, NULL) == QQ_ERR_ARGUMENT);
}

// Members changed by hand, as an array from a file might be.
static void test_hostile(void)
{
    const qq_tensor v = part(QQ_TYPE_INT8, 2, 4, 6);
    const qq_tensor s = part(QQ_TYPE_F32, 2, 2, 6);
    float out[24];
    qq_tensor view;
    qq_array good, a;

    CHECK(qq_array_make(&v, &s, NULL, QQ_TYPE_NONE, &good) == QQ_OK);
    a = good;
    a.tile[0] = 0;
    CHECK(qq_array_check(&a) == QQ_ERR_SHAPE);
    a.tile[0] = 1;
    CHECK(qq_array_check(&a) == QQ_ERR_SHAPE);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, out, sizeof out,
                        &view) == QQ_ERR_SHAPE);
    a.tile[0] = 3; // two tiles, the second short
    CHECK(qq_array_check(&a) == QQ_OK);
    a = good;
    a.type = (qq_type)1000;
    CHECK(qq_array_check(&a) == QQ_ERR_TYPE);
    a = good;
    a.scale.data = NULL;
    CHECK(qq_array_check(&a) == QQ_ERR_ARGUMENT);
    a = good;
    a.scale.type = QQ_TYPE_NONE;
    CHECK(qq_array_check(&a) == QQ_ERR_TYPE);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, out, sizeof out,
                        &view) == QQ_ERR_TYPE);
    a = good;
    a.value.rank = 12;
    CHECK(qq_array_check(&a) == QQ_ERR_SHAPE);
    a = good;
    a.value.type = a.type = QQ_TYPE_BOOK;
    CHECK(qq_array_check(&a) == QQ_ERR_ARGUMENT);
    a.levels = weights_levels;
    a.level_count = 11;
    memset(data, 0xee, sizeof data); // codes beyond the book
    CHECK(qq_array_check(&a) == QQ_OK);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, out, sizeof out,
                        &view) == QQ_OK);
    memset(data, 0, sizeof data);
    CHECK(qq_array_check(NULL) == QQ_ERR_ARGUMENT);
    CHECK(!(qq_array_bits(NULL) > 0.0));
}

static void test_dequantize_errors(void)
{
    const qq_tensor v = part(QQ_TYPE_INT8, 2, 4, 6);
    const qq_tensor s = part(QQ_TYPE_F32, 2, 2, 6);
    float out[24];
    qq_tensor view;
    qq_array a;

    CHECK(qq_array_make(&v, &s, NULL, QQ_TYPE_NONE, &a) == QQ_OK);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, out, 96, &view) ==
          QQ_OK);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, out, 95, &view) ==
          QQ_ERR_SIZE);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, NULL, 96, &view) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_F32, out, 96, NULL) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_dequantize(&a, QQ_RULE_QQUANT, QQ_TYPE_INT8, out, 96, &view) ==
          QQ_ERR_TYPE);
    CHECK(qq_dequantize(&a, (qq_rule)0, QQ_TYPE_F32, out, 96, &view) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_dequantize(NULL, QQ_RULE_QQUANT, QQ_TYPE_F32, out, 96, &view) ==
          QQ_ERR_ARGUMENT);
    a.scale.type = QQ_TYPE_E8M0;
    CHECK(qq_dequantize(&a, QQ_RULE_QWIX, QQ_TYPE_F32, out, 96, &view) ==
          QQ_ERR_TYPE);
}

int main(void)
{
    test_make();
    test_refused();
    test_hostile();
    test_dequantize_errors();
    return check_done();
}
