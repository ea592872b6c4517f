// Outputs that overlap inputs meet QQ_ASSERT, and those that only touch do not.

static unsigned long broken;
#define QQ_ASSERT(x) ((void)(broken += !(x)))

#include "array/dequantize.h"
#include "array/quantize.h"
#include "check.h"

int main(void)
{
    static float room[64];
    const size_t shape[1] = {16};
    const qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
    const qq_tensor x = qq_tensor_make(room, QQ_TYPE_F32, 1, shape);
    const size_t bytes = qq_array_size(&x, &s);
    qq_array a;
    qq_tensor y;
    for (int i = 0; i < 64; i++)
        room[i] = (float)i;

    // x fills the first 64 bytes.
    CHECK(qq_quantize(&x, &s, room + 16, bytes, &a) == QQ_OK && broken == 0);
    CHECK(qq_quantize(&x, &s, (char *)room + 63, bytes, &a) == QQ_OK);
    CHECK(broken == 1);

    CHECK(qq_quantize(&x, &s, room + 16, bytes, &a) == QQ_OK && broken == 1);
    CHECK(qq_dequantize(&a, s.rule, QQ_TYPE_F32, room + 32, 64, &y) == QQ_OK);
    CHECK(broken == 1);
    CHECK(qq_dequantize(&a, s.rule, QQ_TYPE_F32, room + 17, 64, &y) == QQ_OK);
    CHECK(broken == 2);

    CHECK(qqi_apart(room, 4, room + 1, 4) && qqi_apart(room + 1, 4, room, 4));
    CHECK(!qqi_apart(room, 5, room + 1, 4) && !qqi_apart(room, 4, room, 1));
    CHECK(qqi_apart(room, 0, room, 4) && qqi_apart(NULL, 0, NULL, 0));
    return check_done();
}
