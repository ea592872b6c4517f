// qquant floor 5: calibrations as text.
//
//   text = word { "," number }        "absmax"  "rms,7"  "fixed,-10,10"
//
// Numbers are those of Python's float(): a sign, digits with single
// underscores between them, a point, an exponent, or inf, infinity, nan; no
// hexadecimal. Upper and lower case are alike everywhere.

#ifndef QQUANT_ARRAY_PARSE_H
#define QQUANT_ARRAY_PARSE_H

#include "api/array.h"
#include "compiler.h"
#include "num/decimal.h"

// What is left of a text.
struct qqi_text {
    const char *p;
    size_t n;
};

// The next character in lower case without taking it; 0 at the end.
QQI_FN char qqi_text_peek(const struct qqi_text *t)
{
    if (t->n == 0)
        return 0;
    return (char)(*t->p >= 'A' && *t->p <= 'Z' ? *t->p - 'A' + 'a' : *t->p);
}

QQI_FN void qqi_text_skip(struct qqi_text *t, size_t n)
{
    t->p += n;
    t->n -= n;
}

// Takes the character c if it is the next.
QQI_FN int qqi_text_take(struct qqi_text *t, char c)
{
    if (t->n == 0 || qqi_text_peek(t) != c)
        return 0;
    qqi_text_skip(t, 1);
    return 1;
}

// Whether the whole text is the word.
QQI_FN int qqi_text_is(struct qqi_text t, const char *word)
{
    while (*word != 0 && qqi_text_take(&t, *word))
        word++;
    return *word == 0 && t.n == 0;
}

// The digit that comes next, past an underscore if one stands between two
// digits; -1 if there is none.
QQI_FN int qqi_text_digit(struct qqi_text *t, int after_digit)
{
    struct qqi_text ahead = *t;

    if (after_digit)
        (void)qqi_text_take(&ahead, '_');
    const char c = qqi_text_peek(&ahead);
    if (c < '0' || c > '9')
        return -1;
    qqi_text_skip(&ahead, 1);
    *t = ahead;
    return c - '0';
}

// Digits as an exponent, cut where it cannot matter any more; 0 if there are
// none.
QQI_FN int qqi_text_exponent(struct qqi_text *t, int64_t *exponent)
{
    const int negative = qqi_text_take(t, '-');
    int64_t e = 0;
    int n = 0;

    if (!negative)
        (void)qqi_text_take(t, '+');
    for (int c = 0; (c = qqi_text_digit(t, n)) >= 0; n = 1) {
        if (e < (int64_t)1 << 58)
            e = e * 10 + c;
    }
    *exponent = negative ? -e : e;
    return n;
}

// Digits about an optional point; *digits counts those before it.
QQI_FN int qqi_text_mantissa(struct qqi_text *t, struct qqi_decimal *d,
                             int64_t power, size_t *digits)
{
    int any = 0;
    int n = 0;
    int c = 0;

    *digits = 0;
    for (; (c = qqi_text_digit(t, n)) >= 0; n = any = 1) {
        qqi_decimal_put(d, (unsigned)c, power--);
        ++*digits;
    }
    if (!qqi_text_take(t, '.'))
        return any;
    for (n = 0; (c = qqi_text_digit(t, n)) >= 0; n = any = 1)
        qqi_decimal_put(d, (unsigned)c, power--);
    return any;
}

// An unsigned number of Python; 0 if the text is none.
QQI_FN int qqi_text_unsigned(struct qqi_text t, double *out)
{
    struct qqi_decimal d;
    struct qqi_text start = t;
    size_t digits = 0;
    int64_t exponent = 0;

    if (qqi_text_is(t, "inf") || qqi_text_is(t, "infinity")) {
        *out = qqi_f64_of((uint64_t)0x7ff << 52);
        return 1;
    }
    if (qqi_text_is(t, "nan")) {
        *out = qqi_f64_of((uint64_t)0xfff << 51);
        return 1;
    }
    // Once to find the exponent, once to put the digits in their places.
    QQ_MEMSET(&d, 0, sizeof d);
    if (!qqi_text_mantissa(&t, &d, 0, &digits))
        return 0;
    if (qqi_text_take(&t, 'e') && !qqi_text_exponent(&t, &exponent))
        return 0;
    if (t.n != 0)
        return 0;
    QQ_MEMSET(&d, 0, sizeof d);
    (void)qqi_text_mantissa(&start, &d, exponent + (int64_t)digits - 1,
                            &digits);
    *out = qqi_decimal_value(&d);
    return 1;
}

QQI_FN int qqi_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// A number with blanks around it.
QQI_FN int qqi_text_number(struct qqi_text t, double *out)
{
    while (t.n != 0 && qqi_is_blank(*t.p))
        qqi_text_skip(&t, 1);
    while (t.n != 0 && qqi_is_blank(t.p[t.n - 1]))
        t.n--;
    const int negative = qqi_text_take(&t, '-');
    if (!negative)
        (void)qqi_text_take(&t, '+');
    if (!qqi_text_unsigned(t, out))
        return 0;
    if (negative)
        *out = -*out;
    return 1;
}

// The text up to the next comma; 0 at the end of the text.
QQI_FN int qqi_text_field(struct qqi_text *t, int *open, struct qqi_text *field)
{
    if (!*open)
        return 0;
    *field = *t;
    field->n = 0;
    while (field->n < t->n && t->p[field->n] != ',')
        field->n++;
    qqi_text_skip(t, field->n);
    *open = qqi_text_take(t, ',');
    return 1;
}

struct qqi_calib_word {
    const char *word;
    qq_calib method;
    unsigned char least; // arguments
    unsigned char most;  // 255: further ones are read and ignored
};

QQI_FN const struct qqi_calib_word *qqi_calib_find(struct qqi_text t)
{
    static const struct qqi_calib_word words[] = {
        {"absmax", QQ_CALIB_ABSMAX, 0, 255},
        {"minmax", QQ_CALIB_MINMAX, 0, 255},
        {"rms", QQ_CALIB_RMS, 1, 255},
        {"fixed", QQ_CALIB_FIXED, 1, 2},
        {"mse", QQ_CALIB_MSE, 0, 1},
        {"percentile", QQ_CALIB_PERCENTILE, 1, 1},
        {"absmean", QQ_CALIB_ABSMEAN, 1, 2},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (qqi_text_is(t, words[i].word))
            return &words[i];
    }
    return NULL;
}

// Whether fixed's numbers are a range about zero. NaN is in no range.
QQI_FN int qqi_calib_fixed_ok(const qq_calibration *c)
{
    const double lo = c->arg_count == 1 ? -c->args[0] : c->args[0];
    const double hi = c->args[c->arg_count == 1 ? 0 : 1];

    return lo <= 0.0 && hi >= 0.0 && lo < hi;
}

QQ_API qq_status qq_calibration_parse(const char *text, size_t length,
                                      qq_calibration *out)
{
    struct qqi_text t = {text, length};
    struct qqi_text field = {text, 0};
    qq_calibration c = {{0.0, 0.0}, 0, QQ_CALIB_ABSMAX};
    size_t count = 0;
    int open = 1;

    if ((text == NULL && length != 0) || out == NULL)
        return QQ_ERR_ARGUMENT;
    if (length == 0)
        return QQ_ERR_FORMAT;
    (void)qqi_text_field(&t, &open, &field);
    const struct qqi_calib_word *w = qqi_calib_find(field);
    if (w == NULL)
        return QQ_ERR_FORMAT;
    c.method = w->method;
    for (; qqi_text_field(&t, &open, &field); count++) {
        double x = 0.0;
        if (!qqi_text_number(field, &x))
            return QQ_ERR_FORMAT;
        if (c.arg_count < 2)
            c.args[c.arg_count++] = x;
    }
    if (count < w->least || (w->most != 255 && count > w->most))
        return QQ_ERR_FORMAT;
    if (c.method == QQ_CALIB_FIXED && !qqi_calib_fixed_ok(&c))
        return QQ_ERR_FORMAT;
    *out = c;
    return QQ_OK;
}

#endif // QQUANT_ARRAY_PARSE_H
