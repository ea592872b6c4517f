// qquant floor 4: a strict reader of JSON (RFC 8259) over pointer and length.
//
// It takes one thing after another and looks at each byte once; nothing is
// allocated or copied. Every function answers 1, or 0 where the text does not
// continue as asked; then the text is malformed and the rest of no use.

#ifndef QQUANT_CODEC_JSON_H
#define QQUANT_CODEC_JSON_H

#include "num/decimal.h"

enum { QQI_JSON_DEPTH = 8 };

// What is left of the text.
typedef struct qqi_json {
    const uint8_t *p;
    size_t n;
} qqi_json;

// A string without its quotes, escapes as they stand.
typedef struct qqi_json_string {
    const uint8_t *p;
    size_t n;
} qqi_json_string;

// A number: minus, its digits before and behind the point, its exponent.
typedef struct qqi_json_number {
    qqi_json_string whole;
    qqi_json_string part;
    int64_t exponent;
    int minus;
} qqi_json_number;

// The next byte, -1 at the end.
QQI_INLINE int qqi_json_peek(const qqi_json *j)
{
    return j->n > 0 ? *j->p : -1;
}

QQI_INLINE int qqi_json_take(qqi_json *j, int c)
{
    if (qqi_json_peek(j) != c)
        return 0;
    j->p++;
    j->n--;
    return 1;
}

QQI_FN void qqi_json_blanks(qqi_json *j)
{
    while (qqi_json_take(j, ' ') || qqi_json_take(j, '\n') ||
           qqi_json_take(j, '\r') || qqi_json_take(j, '\t'))
        continue;
}

// Takes a mark and the blanks around it.
QQI_FN int qqi_json_mark(qqi_json *j, int c)
{
    qqi_json_blanks(j);
    if (!qqi_json_take(j, c))
        return 0;
    qqi_json_blanks(j);
    return 1;
}

QQI_INLINE int qqi_json_is_hex(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

QQI_FN int qqi_json_take_string(qqi_json *j, qqi_json_string *s)
{
    if (!qqi_json_take(j, '"'))
        return 0;
    s->p = j->p;
    for (;;) {
        int c = qqi_json_peek(j);
        if (c < 32) // the end, too
            return 0;
        s->n = (size_t)(j->p - s->p);
        (void)qqi_json_take(j, c);
        if (c == '"')
            return 1;
        if (c != '\\')
            continue;
        c = qqi_json_peek(j);
        int digits = c == 'u' ? 4 : 0;
        if (c != '"' && c != '\\' && c != '/' && c != 'b' && c != 'f' &&
            c != 'n' && c != 'r' && c != 't' && c != 'u')
            return 0;
        (void)qqi_json_take(j, c);
        for (; digits > 0; digits--) {
            c = qqi_json_peek(j);
            if (!qqi_json_is_hex(c))
                return 0;
            (void)qqi_json_take(j, c);
        }
    }
}

QQI_FN int qqi_json_is(qqi_json_string s, const char *word)
{
    size_t i = 0;

    for (; word[i] != '\0'; i++)
        if (i >= s.n || s.p[i] != (uint8_t)word[i])
            return 0;
    return i == s.n;
}

// Digits; there may be none.
QQI_FN void qqi_json_digits(qqi_json *j, qqi_json_string *s)
{
    s->p = j->p;
    while (qqi_json_peek(j) >= '0' && qqi_json_peek(j) <= '9')
        (void)qqi_json_take(j, qqi_json_peek(j));
    s->n = (size_t)(j->p - s->p);
}

// The value of digits, cut at 2^40, beyond which no exponent matters.
QQI_FN int64_t qqi_json_small(qqi_json_string s)
{
    const int64_t top = (int64_t)1 << 40;
    int64_t v = 0;

    for (size_t i = 0; i < s.n && v < top; i++)
        v = v * 10 + (s.p[i] - '0');
    return v < top ? v : top;
}

QQI_FN int qqi_json_take_number(qqi_json *j, qqi_json_number *x)
{
    x->minus = qqi_json_take(j, '-');
    x->exponent = 0;
    qqi_json_digits(j, &x->whole);
    if (x->whole.n == 0 || (*x->whole.p == '0' && x->whole.n > 1))
        return 0;
    const int point = qqi_json_take(j, '.');
    x->part.p = j->p;
    x->part.n = 0;
    if (point) {
        qqi_json_digits(j, &x->part);
        if (x->part.n == 0)
            return 0;
    }
    if (!qqi_json_take(j, 'e') && !qqi_json_take(j, 'E'))
        return 1;
    qqi_json_string digits;
    const int down = qqi_json_take(j, '-');
    if (!down)
        (void)qqi_json_take(j, '+');
    qqi_json_digits(j, &digits);
    x->exponent = down ? -qqi_json_small(digits) : qqi_json_small(digits);
    return digits.n > 0;
}

// The double nearest to a number; an infinity where it is too large.
QQI_FN double qqi_json_value(const qqi_json_number *x)
{
    struct qqi_decimal d;
    int64_t power = x->exponent + (int64_t)x->whole.n;

    QQ_MEMSET(&d, 0, sizeof d);
    for (size_t i = 0; i < x->whole.n; i++)
        qqi_decimal_put(&d, (unsigned)(x->whole.p[i] - '0'), --power);
    for (size_t i = 0; i < x->part.n; i++)
        qqi_decimal_put(&d, (unsigned)(x->part.p[i] - '0'), --power);
    const double v = qqi_decimal_value(&d);
    return x->minus ? -v : v;
}

// A whole number from 0 up, without point or exponent, that is a size.
QQI_FN int qqi_json_take_size(qqi_json *j, size_t *out)
{
    qqi_json_number x;
    const uint8_t *start = j->p;
    size_t v = 0;

    if (!qqi_json_take_number(j, &x) || x.minus ||
        (size_t)(j->p - start) != x.whole.n)
        return 0;
    for (size_t i = 0; i < x.whole.n; i++) {
        const size_t digit = (size_t)(x.whole.p[i] - '0');
        if (v > (SIZE_MAX - digit) / 10)
            return 0;
        v = v * 10 + digit;
    }
    *out = v;
    return 1;
}

QQI_FN int qqi_json_take_word(qqi_json *j, const char *word)
{
    for (; *word != '\0'; word++)
        if (!qqi_json_take(j, *word))
            return 0;
    return 1;
}

QQI_FN int qqi_json_skip(qqi_json *j, int depth);

// Values between brackets, with a key each where the bracket is a brace.
QQI_FN int qqi_json_skip_list(qqi_json *j, int depth, int open, int close)
{
    qqi_json_string key;

    if (depth <= 0 || !qqi_json_mark(j, open))
        return 0;
    if (qqi_json_take(j, close))
        return 1;
    do {
        if (open == '{' &&
            (!qqi_json_take_string(j, &key) || !qqi_json_mark(j, ':')))
            return 0;
        if (!qqi_json_skip(j, depth - 1))
            return 0;
    } while (qqi_json_mark(j, ','));
    return qqi_json_take(j, close);
}

// Any value, at most depth levels of brackets deep.
QQI_FN int qqi_json_skip(qqi_json *j, int depth)
{
    qqi_json_string s;
    qqi_json_number x;

    switch (qqi_json_peek(j)) {
    case '{':
        return qqi_json_skip_list(j, depth, '{', '}');
    case '[':
        return qqi_json_skip_list(j, depth, '[', ']');
    case '"':
        return qqi_json_take_string(j, &s);
    case 't':
        return qqi_json_take_word(j, "true");
    case 'f':
        return qqi_json_take_word(j, "false");
    case 'n':
        return qqi_json_take_word(j, "null");
    default:
        return qqi_json_take_number(j, &x);
    }
}

#endif // QQUANT_CODEC_JSON_H
