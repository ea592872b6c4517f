// The types of a product, one line of the table after another.

#include "check.h"
#include "qquant.h"

static int answer(qq_type lhs, qq_type ls, qq_type rhs, qq_type rs,
                  qq_type preferred, qq_type sum, qq_type result)
{
    qq_type a = QQ_TYPE_NONE, r = QQ_TYPE_NONE;

    return qq_product_types(lhs, ls, rhs, rs, preferred, &a, &r) == QQ_OK &&
           a == sum && r == result;
}

int main(void)
{
    const qq_type no = QQ_TYPE_NONE, i8 = QQ_TYPE_INT8, i16 = QQ_TYPE_INT16;
    const qq_type i32 = QQ_TYPE_INT32, f32 = QQ_TYPE_F32, f16 = QQ_TYPE_F16;
    const qq_type bf16 = QQ_TYPE_BF16, f64 = QQ_TYPE_F64;
    const qq_type e4m3 = QQ_TYPE_E4M3FN;
    qq_type a, r;

    CHECK(answer(i8, f32, i8, f32, no, i32, f32));
    CHECK(answer(i8, bf16, i8, f16, no, i32, f32));
    CHECK(answer(i8, bf16, QQ_TYPE_INT4, bf16, no, i32, bf16));
    CHECK(answer(i16, f32, i16, f32, f16, i32, f16));
    CHECK(answer(i8, no, i8, no, no, i32, i32));
    CHECK(answer(i16, no, i16, no, no, i32, i16));
    CHECK(answer(i32, no, i8, bf16, no, i32, bf16));
    CHECK(answer(bf16, no, i8, f32, no, f32, f32));
    CHECK(answer(f16, no, bf16, no, no, f32, f32));
    CHECK(answer(f64, no, i8, f32, no, f64, f64));
    CHECK(answer(e4m3, no, e4m3, no, no, bf16, bf16));
    CHECK(answer(e4m3, f32, i8, f32, no, f32, f32));
    CHECK(answer(e4m3, no, i8, f16, no, f32, f32));
    CHECK(answer(no, no, i8, bf16, no, bf16, bf16)); // bool
    CHECK(answer(QQ_TYPE_NF4, f32, i8, f32, no, i32, f32));
    CHECK(answer(QQ_TYPE_UINT4, no, bf16, no, no, bf16, bf16));
    CHECK(qq_product_types(i8, e4m3, i8, f32, no, &a, &r) == QQ_ERR_TYPE);
    CHECK(qq_product_types(i8, f32, i8, f32, e4m3, &a, &r) == QQ_ERR_TYPE);
    CHECK(qq_product_types(i8, f32, i8, f32, no, NULL, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_product_types(i8, f32, i8, f32, no, &a, NULL) == QQ_ERR_ARGUMENT);
    return check_done();
}
