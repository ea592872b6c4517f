// type.h: the list against itself, names, sizes.

#include "type.h"
#include "check.h"

static void test_row(const qqi_type_row *row)
{
    const qq_type_info *i = &row->info;
    const int64_t codes = (int64_t)1 << (i->bits < 32 ? i->bits : 32);
    qq_type_info info;

    CHECK(qq_type_get(row->type, &info) == QQ_OK);
    CHECK(memcmp(&info, i, sizeof info) == 0);
    CHECK(qq_type_get(row->type, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qqi_type_find(row->type) == row);
    CHECK(strcmp(qq_type_name(row->type), i->name) == 0);
    CHECK(qq_type_from_name(i->name) == row->type);
    CHECK(qq_type_bits(row->type) == i->bits);
    CHECK(qqi_type_bound(row->type) >= 0.0f);

    // A storage type is its own; a format shares all but tile and name.
    const qqi_type_row *storage = qqi_type_find(i->storage);
    CHECK(storage && storage->info.storage == i->storage);
    CHECK(storage->info.bits == i->bits && storage->info.kind == i->kind);
    CHECK(storage->info.largest == i->largest);
    CHECK(storage->bound == row->bound);
    CHECK((i->tile > 0) == (i->storage != row->type));

    if (i->kind == QQ_KIND_INTEGER && row->type != QQ_TYPE_SIGN) {
        CHECK((int64_t)i->max - i->min < codes);
        CHECK(i->largest >= (float)i->max && i->largest >= -(float)i->min);
        if (row->type != QQ_TYPE_INT32 && row->type != QQ_TYPE_INT16)
            CHECK(row->bound == (float)i->max + 0.5f);
    }
    if (i->kind == QQ_KIND_SMALL)
        CHECK(row->bound == i->largest);
    if (i->kind == QQ_KIND_BOOK)
        CHECK(i->min == 0 && i->max == codes - 1);
    CHECK(!i->affine || i->kind == QQ_KIND_INTEGER);
    CHECK(!i->affine || i->weight);
}

static void test_sizes(const qqi_type_row *row)
{
    const unsigned b = row->info.bits;
    const size_t most = SIZE_MAX / (b < 8 ? 8 : b) * 8;

    for (size_t n = 0; n < 70; n++)
        CHECK(qq_type_bytes(row->type, n) == (n * b + 7) / 8);
    CHECK(qq_type_bytes(row->type, most) == most / 8 * b);
    if (b > 8)
        CHECK(qq_type_bytes(row->type, SIZE_MAX / (b / 8) + 1) == SIZE_MAX);
    if (b < 8)
        CHECK(qq_type_bytes(row->type, SIZE_MAX) ==
              SIZE_MAX / 8 * b + (7 * b + 7) / 8);
}

static void test_none(void)
{
    qq_type_info info;

    for (int t = -1; t < 70; t++) {
        int known = 0;
        for (int i = 0; i < QQI_TYPE_COUNT; i++)
            known += (int)qqi_type_rows[i].type == t;
        CHECK(known <= 1);
        if (known)
            continue;
        const qq_type type = (qq_type)t;
        CHECK(qq_type_get(type, &info) == QQ_ERR_TYPE);
        CHECK(strcmp(qq_type_name(type), "none") == 0);
        CHECK(qq_type_bits(type) == 0);
        CHECK(qq_type_bytes(type, 0) == SIZE_MAX);
        CHECK(qqi_type_storage(type) == QQ_TYPE_NONE);
        CHECK(qqi_type_bound(type) == 0.0f);
    }
}

static void test_names(void)
{
    static const char *const wrong[] = {
        "",     "none", "INT4", "int",      "int44",   "int9", "float",
        "int1", "fp4",  "F32",  "float322", "float8_", " int8"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(qq_type_from_name(wrong[i]) == QQ_TYPE_NONE);
    CHECK(qq_type_from_name(NULL) == QQ_TYPE_NONE);
    CHECK(qq_type_from_name("float32") == QQ_TYPE_F32);
    CHECK(qq_type_from_name("bfloat16") == QQ_TYPE_BF16);
    CHECK(qq_type_from_name("float8_e4m3fn") == QQ_TYPE_E4M3FN);
    CHECK(qq_type_from_name("float8_e4m3b11fnuz") == QQ_TYPE_E4M3B11FNUZ);
    CHECK(qq_type_from_name("float8_e8m0fnu") == QQ_TYPE_E8M0);
    CHECK(qq_type_from_name("float4_e2m1fn") == QQ_TYPE_E2M1);
    CHECK(qq_type_from_name("mxfp8_16") == QQ_TYPE_MXFP8_16);

    // As ml_dtypes makes them: the width, ours, and fn where it is below 8.
    for (int i = 0; i < QQI_TYPE_COUNT; i++) {
        const qq_type_info *t = &qqi_type_rows[i].info;
        char text[40];
        if (t->kind != QQ_KIND_SMALL || t->tile > 0)
            continue;
        snprintf(text, sizeof text, "float%u_%s%s", t->bits, t->name,
                 t->bits < 8 ? "fn" : "");
        CHECK(qq_type_from_name(text) == qqi_type_rows[i].type);
    }
}

static void test_bounds(void)
{
    CHECK(qqi_type_bound(QQ_TYPE_INT4) == 7.5f);
    CHECK(qqi_type_bound(QQ_TYPE_INT8) == 127.5f);
    CHECK(qqi_type_bound(QQ_TYPE_INT16) == 32768.0f);
    CHECK(qqi_type_bound(QQ_TYPE_UINT8) == 255.5f);
    CHECK(qqi_type_bound(QQ_TYPE_NF4) == 1.0f);
    CHECK(qqi_type_bound(QQ_TYPE_MXFP4) == 6.0f);
    CHECK(qqi_type_storage(QQ_TYPE_NVFP4) == QQ_TYPE_E2M1);
    CHECK(qqi_type_is_signed(QQ_TYPE_INT2));
    CHECK(qqi_type_is_signed(QQ_TYPE_INT16));
    CHECK(!qqi_type_is_signed(QQ_TYPE_UINT2));
    CHECK(!qqi_type_is_signed(QQ_TYPE_TERNARY));
    CHECK(!qqi_type_is_signed(QQ_TYPE_SIGN));
}

int main(void)
{
    CHECK(QQI_TYPE_COUNT == 36);
    for (int i = 0; i < QQI_TYPE_COUNT; i++) {
        test_row(&qqi_type_rows[i]);
        test_sizes(&qqi_type_rows[i]);
    }
    test_none();
    test_names();
    test_bounds();
    return check_done();
}
