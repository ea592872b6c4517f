// qquant floor 2: decimal text to double, rounded once.
//
// The digits are laid out about the decimal point, nine to a word, in a
// fixed-point number of 315 digits before the point and 1080 behind it. The
// number is then halved or doubled until its integer part has 62 bits, which
// are rounded to nearest even. Nothing is lost on the way that could decide:
// what is halved away and digits beyond the 1080th are remembered as "a little
// more", and no double, nor the middle between two, has more than 1075 digits
// behind the point.

#ifndef QQUANT_NUM_DECIMAL_H
#define QQUANT_NUM_DECIMAL_H

#include "num/bits.h"

enum {
    QQI_DECIMAL_WORDS = 155, // 1395 digits
    QQI_DECIMAL_POINT = 35,  // words before the point
    QQI_DECIMAL_BASE = 1000000000
};

struct qqi_decimal {
    uint32_t word[QQI_DECIMAL_WORDS]; // the highest first
    int more;                         // 1: there are digits below the last word
    int huge;                         // 1: there are digits above the first
};

// Adds digit * 10^power.
QQI_FN void qqi_decimal_put(struct qqi_decimal *d, unsigned digit,
                            int64_t power)
{
    const int64_t place = 9 * QQI_DECIMAL_POINT - 1 - power; // 0: the highest
    uint32_t value = digit;

    if (digit == 0)
        return;
    if (place < 0) {
        d->huge = 1;
    } else if (place >= 9 * QQI_DECIMAL_WORDS) {
        d->more = 1;
    } else {
        for (int64_t i = place % 9; i < 8; i++)
            value *= 10;
        d->word[place / 9] += value;
    }
}

// d *= 2^k, k at most 30. The integer part has room.
QQI_FN void qqi_decimal_double(struct qqi_decimal *d, int k)
{
    uint64_t carry = 0;

    for (int i = QQI_DECIMAL_WORDS; i-- > 0;) {
        carry += (uint64_t)d->word[i] << k;
        d->word[i] = (uint32_t)(carry % QQI_DECIMAL_BASE);
        carry /= QQI_DECIMAL_BASE;
    }
}

// d /= 2^k, k at most 30.
QQI_FN void qqi_decimal_halve(struct qqi_decimal *d, int k)
{
    uint64_t rest = 0;

    for (int i = 0; i < QQI_DECIMAL_WORDS; i++) {
        rest = rest * QQI_DECIMAL_BASE + d->word[i];
        d->word[i] = (uint32_t)(rest >> k);
        rest &= ((uint64_t)1 << k) - 1;
    }
    d->more |= rest != 0;
}

// The first word that is not 0; the number of words if there is none.
QQI_FN int qqi_decimal_first(const struct qqi_decimal *d)
{
    int i = 0;

    while (i < QQI_DECIMAL_WORDS && d->word[i] == 0)
        i++;
    return i;
}

// (m + a little more, if more) * 2^e, m from 2^61 to 2^62, to nearest even.
QQI_FN double qqi_decimal_round(uint64_t m, int more, int e)
{
    int drop = 9; // 62 bits to 53

    if (e + 61 > 1023)
        return qqi_f64_of((uint64_t)0x7ff << 52);
    if (e + drop < -1074) // subnormals have fewer
        drop = -1074 - e;
    if (drop > 62)
        return 0.0;
    const uint64_t rest = m & (((uint64_t)1 << drop) - 1);
    const uint64_t half = (uint64_t)1 << (drop - 1);
    uint64_t q = m >> drop;
    q += rest > half || (rest == half && (more || (q & 1)));
    // Normal: q has 53 bits, or is 2^53 after a carry, and its hidden bit
    // counts as one in the exponent. Subnormal: q is the bits.
    if (drop == 9)
        q += (uint64_t)(e + 9 + 1074) << 52;
    return qqi_f64_of(q);
}

// floor(d), which is below 2^62.
QQI_FN uint64_t qqi_decimal_integer(const struct qqi_decimal *d)
{
    const uint32_t *w = d->word + QQI_DECIMAL_POINT - 3;

    return ((uint64_t)w[0] * QQI_DECIMAL_BASE + w[1]) * QQI_DECIMAL_BASE + w[2];
}

// The double nearest to d, which is used up.
QQI_FN double qqi_decimal_value(struct qqi_decimal *d)
{
    int e = 0;

    if (d->huge)
        return qqi_f64_of((uint64_t)0x7ff << 52);
    // To at least 10^9 and below 10^18; 2^30 * 2^-1200 is as good as 0.
    for (; qqi_decimal_first(d) < QQI_DECIMAL_POINT - 2; e += 30)
        qqi_decimal_halve(d, 30);
    for (; qqi_decimal_first(d) >= QQI_DECIMAL_POINT - 1; e -= 29) {
        if (e < -1200)
            return 0.0;
        qqi_decimal_double(d, 29);
    }
    for (; qqi_decimal_integer(d) < (uint64_t)1 << 61; e--)
        qqi_decimal_double(d, 1);
    for (int i = QQI_DECIMAL_POINT; i < QQI_DECIMAL_WORDS; i++)
        d->more |= d->word[i] != 0;
    return qqi_decimal_round(qqi_decimal_integer(d), d->more, e);
}

#endif // QQUANT_NUM_DECIMAL_H
