// qquant floor 2: a double in the fewest decimal digits that read back.
//
// Its exact digits come from the fixed-point number of num/decimal.h; they are
// rounded to 1, 2, ... 17 places, to nearest even, until the double nearest to
// those is the one we had. 17 always do.

#ifndef QQUANT_NUM_SHORTEST_H
#define QQUANT_NUM_SHORTEST_H

#include "num/decimal.h"

// Exact digits of a positive double: 19 from the first one on that is not 0,
// and whether there is more. The value is 0.d1 d2 d3 ... * 10^point.
QQI_NOINLINE int qqi_exact_digits(double x, uint8_t *digits, int *point)
{
    struct qqi_decimal d;
    const uint64_t u = qqi_f64_bits(x);
    const int field = (int)(u >> 52 & 0x7ff);
    uint64_t m = u & (((uint64_t)1 << 52) - 1);
    int e = (field == 0 ? 1 : field) - 1075;
    int count = 0, more = 0;

    QQ_MEMSET(&d, 0, sizeof d);
    m |= field == 0 ? 0 : (uint64_t)1 << 52;
    for (int i = QQI_DECIMAL_POINT - 1; m > 0; i--, m /= QQI_DECIMAL_BASE)
        d.word[i] = (uint32_t)(m % QQI_DECIMAL_BASE);
    for (; e > 0; e -= e < 29 ? e : 29)
        qqi_decimal_double(&d, e < 29 ? e : 29);
    for (; e < 0; e += -e < 30 ? -e : 30)
        qqi_decimal_halve(&d, -e < 30 ? -e : 30);
    for (int i = 0; i < 9 * QQI_DECIMAL_WORDS; i++) {
        uint32_t w = d.word[i / 9];
        for (int j = i % 9; j < 8; j++)
            w /= 10;
        const uint8_t digit = (uint8_t)(w % 10);
        if (count == 0 && digit == 0)
            continue;
        if (count == 0)
            *point = 9 * QQI_DECIMAL_POINT - i;
        if (count < 19)
            digits[count++] = digit;
        else
            more |= digit != 0;
    }
    return more | d.more;
}

// The double nearest to 0.d1 d2 ... dn * 10^point.
QQI_NOINLINE double qqi_digits_value(const uint8_t *digits, int n, int point)
{
    struct qqi_decimal d;

    QQ_MEMSET(&d, 0, sizeof d);
    for (int i = 0; i < n; i++)
        qqi_decimal_put(&d, digits[i], point - 1 - i);
    return qqi_decimal_value(&d);
}

// 19 digits and more, cut to n and rounded; 1: a carry has made it 1 followed
// by zeros, ten times as large.
QQI_FN int qqi_round_digits(const uint8_t *from, int more, int n, uint8_t *to)
{
    int tail = more;

    for (int i = n + 1; i < 19; i++)
        tail |= from[i] != 0;
    const int odd = from[n - 1] & 1;
    int up = from[n] > 5 || (from[n] == 5 && (tail || odd));
    for (int i = n; i-- > 0;) {
        const int digit = from[i] + up;
        up = digit > 9;
        to[i] = (uint8_t)(up ? 0 : digit);
    }
    if (up)
        to[0] = 1;
    return up;
}

// digits of x, which is finite and above 0; how many. The value is
// 0.d1 d2 ... * 10^point, the last digit is not 0.
QQI_FN int qqi_shortest_f64(double x, uint8_t *digits, int *point)
{
    uint8_t exact[19] = {0};
    const int more = qqi_exact_digits(x, exact, point);
    const int from = *point;

    for (int n = 1; n <= 17; n++) {
        *point = from + qqi_round_digits(exact, more, n, digits);
        const double back = qqi_digits_value(digits, n, *point);
        if (n == 17 || qqi_f64_bits(back) == qqi_f64_bits(x)) {
            while (n > 1 && digits[n - 1] == 0)
                n--;
            return n;
        }
    }
    return 0;
}

#endif // QQUANT_NUM_SHORTEST_H
