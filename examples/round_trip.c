// Eight floats to 4 bits and back:
//
//   cc -I. examples/round_trip.c -o round_trip && ./round_trip

#define QQUANT_IMPLEMENTATION
#include "qquant.h"
#include <stdio.h>

int main(void)
{
    const float x[8] = {0.0f, 0.1f, -0.2f, 0.3f, -0.4f, 0.5f, -0.6f, 0.7f};
    const size_t shape[1] = {8};
    const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, shape);
    const qq_scheme int4 = qq_scheme_init(QQ_TYPE_INT4);
    unsigned char bytes[8]; // 8 codes of 4 bits and a scale of 32
    float y[8];
    qq_array a;
    qq_tensor back;
    if (qq_quantize(&t, &int4, bytes, sizeof bytes, &a) != QQ_OK ||
        qq_dequantize(&a, int4.rule, QQ_TYPE_F32, y, sizeof y, &back) != QQ_OK)
        return 1;
    for (int i = 0; i < 8; i++)
        printf("%4.1f -> %6.3f\n", (double)x[i], (double)y[i]);
    return 0;
}
