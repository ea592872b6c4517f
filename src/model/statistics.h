// qquant floor 10: statistics as JSON, in the original's layout.

#ifndef QQUANT_MODEL_STATISTICS_H
#define QQUANT_MODEL_STATISTICS_H

#include "api/model.h"
#include "num/shortest.h"

// Text that is written where it fits and counted anyway.
typedef struct qqi_report {
    char *out;
    size_t bytes;
    size_t length;
} qqi_report;

QQI_INLINE void qqi_report_char(qqi_report *t, int c)
{
    if (t->length < t->bytes)
        t->out[t->length] = (char)c;
    t->length++;
}

QQI_FN void qqi_report_put(qqi_report *t, const char *s)
{
    while (*s != '\0')
        qqi_report_char(t, *s++);
}

QQI_FN void qqi_report_int(qqi_report *t, int x, int digits)
{
    char d[12];
    int n = 0;

    do {
        d[n++] = (char)('0' + x % 10);
        x /= 10;
    } while (x > 0 || n < digits);
    while (n > 0)
        qqi_report_char(t, d[--n]);
}

// As Python prints it: an exponent from 1e16 on and below 1e-4.
QQI_FN void qqi_report_number(qqi_report *t, double x)
{
    uint8_t d[17];
    int point = 1;

    if (qqi_is_nan_f64(x)) {
        qqi_report_put(t, "null");
        return;
    }
    if (qqi_f64_bits(x) >> 63)
        qqi_report_char(t, '-');
    if (qqi_is_inf_f64(x)) {
        qqi_report_put(t, "Infinity");
        return;
    }
    d[0] = 0;
    const int n = qqi_f64_magnitude(x) == 0
                      ? 1
                      : qqi_shortest_f64(qqi_abs_f64(x), d, &point);
    const int wide = point > 16 || point < -3;
    const int before = wide ? 1 : point;
    if (before <= 0) {
        qqi_report_put(t, "0.");
        for (int i = before; i < 0; i++)
            qqi_report_char(t, '0');
    }
    for (int i = 0; i < n || (!wide && i < before); i++) {
        if (i > 0 && i == before)
            qqi_report_char(t, '.');
        qqi_report_char(t, i < n ? '0' + d[i] : '0');
    }
    if (!wide && n <= before)
        qqi_report_put(t, ".0");
    if (wide) {
        qqi_report_char(t, 'e');
        qqi_report_char(t, point > 0 ? '+' : '-');
        qqi_report_int(t, point > 0 ? point - 1 : 1 - point, 2);
    }
}

// A string of JSON: quotes, backslashes and control characters escaped.
QQI_FN void qqi_report_string(qqi_report *t, const char *s)
{
    static const char hex[] = "0123456789abcdef";

    qqi_report_char(t, '"');
    for (; *s != '\0'; s++) {
        const unsigned c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            qqi_report_char(t, '\\');
            qqi_report_char(t, *s);
        } else if (c < 32) {
            qqi_report_put(t, "\\u00");
            qqi_report_char(t, hex[c >> 4]);
            qqi_report_char(t, hex[c & 15]);
        } else {
            qqi_report_char(t, *s);
        }
    }
    qqi_report_char(t, '"');
}

QQI_FN void qqi_report_field(qqi_report *t, const char *name, double x,
                             int last)
{
    qqi_report_put(t, "        \"");
    qqi_report_put(t, name);
    qqi_report_put(t, "\": ");
    qqi_report_number(t, x);
    qqi_report_put(t, last ? "\n" : ",\n");
}

QQI_FN void qqi_report_record(qqi_report *t, const qq_layer_record *r)
{
    const qq_layer_errors *e = &r->errors;

    qqi_report_put(t, "\n    ");
    qqi_report_string(t, r->name);
    qqi_report_put(t, ": {\n");
    qqi_report_field(t, "quantization_time", r->seconds, 0);
    qqi_report_field(t, "output_squared_error", e->output_squared, 0);
    qqi_report_field(t, "mean_output_squared_error", e->mean_output_squared, 0);
    qqi_report_field(t, "weight_squared_error", e->weight_squared, 0);
    qqi_report_field(t, "mean_weight_squared_error", e->mean_weight_squared, 0);
    qqi_report_field(t, "relative_output_squared_error",
                     e->relative_output_squared, 0);
    qqi_report_field(t, "relative_weight_squared_error",
                     e->relative_weight_squared, 1);
    qqi_report_put(t, "    }");
}

QQI_FN void qqi_report_records(qqi_report *t, size_t count,
                               const qq_layer_record *records)
{
    qqi_report_char(t, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            qqi_report_char(t, ',');
        qqi_report_record(t, records + i);
    }
    qqi_report_put(t, count > 0 ? "\n}" : "}");
}

QQ_API qq_status qq_statistics_json(size_t count,
                                    const qq_layer_record *records, char *text,
                                    size_t bytes, size_t *length)
{
    qqi_report t;

    if ((count > 0 && records == NULL) || (bytes > 0 && text == NULL) ||
        length == NULL)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; i < count; i++)
        if (records[i].name == NULL)
            return QQ_ERR_ARGUMENT;
    t.out = text;
    t.bytes = 0;
    t.length = 0;
    qqi_report_records(&t, count, records);
    *length = t.length;
    if (bytes < t.length)
        return QQ_ERR_SIZE;
    t.bytes = bytes;
    t.length = 0;
    qqi_report_records(&t, count, records);
    return QQ_OK;
}

#endif // QQUANT_MODEL_STATISTICS_H
