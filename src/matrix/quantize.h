// qquant floor 7: numbers straight into panels.

#ifndef QQUANT_MATRIX_QUANTIZE_H
#define QQUANT_MATRIX_QUANTIZE_H

#include "array/quantize.h"
#include "kernel/encode.h"
#include "matrix/pack.h"

// Whether the scales of a row depend on that row alone, nothing else either.
QQI_FN int qqi_scheme_is_by_row(const qq_scheme *s)
{
    const int rows = (s->channels & 1) != 0 || s->tile[0] == 1;

    return rows && s->noise == QQ_NOISE_NONE && !s->two_level &&
           s->calibration.method != QQ_CALIB_FIXED;
}

// Rows row to row + count - 1 of x, whose data may be NULL if it has none.
QQI_FN qq_tensor qqi_rows_of(const qq_tensor *x, size_t row, size_t count)
{
    const size_t shape[2] = {count, x->shape[1]};
    const size_t before = row * qqi_stored_bytes(x->type, x->shape[1]);
    const uint8_t *data = (const uint8_t *)x->data;

    return qq_tensor_make(before > 0 ? data + before : data, x->type, 2, shape);
}

QQI_FN qq_status qqi_check_quantize(const qq_tensor *x, const qq_scheme *s)
{
    const qq_status status = qqi_check_pair(x, s, 0);

    if (status != QQ_OK)
        return status;
    if (s->rule != QQ_RULE_QQUANT)
        return QQ_ERR_SCHEME;
    return x->rank != 2 ? QQ_ERR_SHAPE : QQ_OK;
}

// The matrix that x will be; the array that it will be before, without data.
QQI_NOINLINE qq_status qqi_quantize_plan(const qq_tensor *x, const qq_scheme *s,
                                         const qq_matrix_options *o,
                                         qq_matrix *w)
{
    struct qqi_layout l;
    qq_array a;
    const qq_status status = qqi_check_quantize(x, s);

    if (status != QQ_OK)
        return status;
    qqi_qquant_layout(&l, x, s);
    qqi_layout_view(&l, s, NULL, &a);
    return qqi_matrix_plan(&a, o, w);
}

QQ_API size_t qq_matrix_quantize_size(const qq_tensor *x, const qq_scheme *s,
                                      const qq_matrix_options *o)
{
    qq_matrix w;

    return qqi_quantize_plan(x, s, o, &w) == QQ_OK ? w.bytes : SIZE_MAX;
}

QQ_API size_t qq_matrix_quantize_scratch_size(const qq_tensor *x,
                                              const qq_scheme *s)
{
    if (qqi_check_quantize(x, s) != QQ_OK)
        return SIZE_MAX;
    const size_t count = x->shape[0] < 16 ? x->shape[0] : 16;
    const qq_tensor rows = qqi_rows_of(x, 0, count);
    return qq_array_size(qqi_scheme_is_by_row(s) ? &rows : x, s);
}

// Whether kernels know the scheme; e becomes all of it but the rows.
QQI_FN int qqi_encode_make(const qq_tensor *x, const qq_scheme *s,
                           const qq_matrix *w, qqi_encode *e)
{
    const qq_calibration *c = &s->calibration;
    struct qqi_encoder codes;

    QQ_MEMSET(e, 0, sizeof *e);
    qqi_plan_encoder(&codes, s, 0, NULL);
    e->stride = qqi_stored_bytes(x->type, x->shape[1]);
    e->k = w->k;
    e->tile = qqi_matrix_tile(w);
    e->factor = qqi_calib_factor(c);
    e->plain = e->factor >= 1.0 && e->factor <= 1.0;
    e->reach = qqi_qquant_bound(s);
    e->mean = c->method == QQ_CALIB_ABSMEAN;
    e->lo = codes.lo;
    e->hi = codes.hi;
    e->add = qqi_matrix_find(w->type)->add;
    e->type = w->type;
    e->bits = w->bits;
    e->scale_type = qqi_qquant_scale_type(s);
    e->scale_at = w->scale_at;
    return x->type == QQ_TYPE_F32 && codes.kind == QQ_KIND_INTEGER &&
           (c->method == QQ_CALIB_ABSMAX ||
            (e->mean && qqi_calib_power(c) == 1)) &&
           s->division == QQ_DIVISION_TRUE &&
           (e->scale_type == QQ_TYPE_F32 || e->scale_type == QQ_TYPE_F16) &&
           !qqi_matrix_has(w, QQ_MATRIX_BASE3) && w->k > 0 &&
           (w->tile_k == 0 || w->tile_k % 32 == 0);
}

// Panel i by the kernel; 0: it must be made the general way.
QQI_FN int qqi_encode_panel(const qq_tensor *x, const qq_matrix *w,
                            const qq_matrix_options *o, size_t i, qqi_encode *e,
                            uint8_t *panel)
{
    const qq_tensor rows = qqi_rows_of(x, 16 * i, 0);

    e->x = (const uint8_t *)rows.data;
    e->rows = w->n - 16 * i < 16 ? w->n - 16 * i : 16;
    // Means take as long as memory does; and two panels of numbers shall fit
    // into a second cache.
    e->more =
        w->n - 16 * i >= 32 && e->tile == e->k && e->k <= 8192 && !e->mean;
    QQ_MEMSET(panel + w->scale_at, 0, w->panel_bytes - w->scale_at);
    if (!qqi_kernel_now()->encode(e, panel))
        return 0;
    qqi_pack_rest(w, o, i, panel);
    return 1;
}

// One panel of 16 rows after the other.
QQI_NOINLINE qq_status qqi_quantize_panels(const qq_tensor *x,
                                           const qq_scheme *s,
                                           const qq_matrix_options *o,
                                           qq_matrix *w, void *out,
                                           void *scratch, size_t scratch_bytes)
{
    uint8_t *panel = (uint8_t *)out + w->panel_at;
    qqi_encode encode;
    qqi_source source;
    qq_array a;

    const int known = qqi_encode_make(x, s, w, &encode);
    QQ_MEMSET(&a, 0, sizeof a);
    a.levels = s->levels;
    a.level_count = s->level_count;
    a.scale2 = 1.0f;
    const qq_status status = qqi_pack_head(w, &a, o, out);
    if (status != QQ_OK)
        return status;
    source.a = &a;
    source.o = o;
    for (size_t i = 0; i < w->panels; i++, panel += w->panel_bytes) {
        const size_t left = w->n - 16 * i;
        if (known && qqi_encode_panel(x, w, o, i, &encode, panel))
            continue;
        const qq_tensor rows = qqi_rows_of(x, 16 * i, left < 16 ? left : 16);
        qq_quantize(&rows, s, scratch, scratch_bytes, &a);
        source.row = 16 * i;
        qqi_pack_panel(w, &source, i, panel);
    }
    return QQ_OK;
}

// All of x first.
QQI_NOINLINE qq_status qqi_quantize_whole(const qq_tensor *x,
                                          const qq_scheme *s,
                                          const qq_matrix_options *o, void *out,
                                          size_t out_bytes, void *scratch,
                                          size_t scratch_bytes, qq_matrix *view)
{
    qq_array a;
    const qq_status status = qq_quantize(x, s, scratch, scratch_bytes, &a);

    return status == QQ_OK ? qq_matrix_pack(&a, o, out, out_bytes, view)
                           : status;
}

QQ_API qq_status qq_matrix_quantize(const qq_tensor *x, const qq_scheme *s,
                                    const qq_matrix_options *o, void *out,
                                    size_t out_bytes, void *scratch,
                                    size_t scratch_bytes, qq_matrix *view)
{
    qq_matrix w;

    qq_status status = qqi_quantize_plan(x, s, o, &w);
    if (status == QQ_OK)
        status = qqi_check_bytes(w.bytes, out, out_bytes);
    if (status != QQ_OK)
        return status;
    const size_t need = qq_matrix_quantize_scratch_size(x, s);
    if (need > 0 && scratch == NULL)
        return QQ_ERR_ARGUMENT;
    if (scratch_bytes < need)
        return QQ_ERR_SCRATCH;
    if (view == NULL)
        return QQ_ERR_ARGUMENT;
    if (!qqi_scheme_is_by_row(s))
        return qqi_quantize_whole(x, s, o, out, out_bytes, scratch,
                                  scratch_bytes, view);
    status = qqi_quantize_panels(x, s, o, &w, out, scratch, scratch_bytes);
    if (status == QQ_OK)
        *view = w;
    return status;
}

// --- signs -----------------------------------------------------------------

QQI_FN qq_status qqi_sign_array(const qq_tensor *sign, const float *one,
                                qq_array *a)
{
    const size_t shape[2] = {1, 1};

    QQ_MEMSET(a, 0, sizeof *a);
    if (sign == NULL)
        return QQ_ERR_ARGUMENT;
    if (sign->type != QQ_TYPE_SIGN && sign->type != QQ_TYPE_TERNARY)
        return QQ_ERR_TYPE;
    if (sign->rank != 2)
        return QQ_ERR_SHAPE;
    a->value = *sign;
    a->scale = qq_tensor_make(one, QQ_TYPE_F32, 2, shape);
    a->type = sign->type;
    a->scale2 = 1.0f;
    for (int i = 0; i < 2; i++)
        a->tile[i] = sign->shape[i] > 0 ? sign->shape[i] : 1;
    return QQ_OK;
}

QQ_API size_t qq_matrix_sign_size(const qq_tensor *sign,
                                  const qq_matrix_options *o)
{
    qq_array a;

    if (qqi_sign_array(sign, NULL, &a) != QQ_OK)
        return SIZE_MAX;
    return qq_matrix_size(&a, o);
}

QQ_API qq_status qq_matrix_pack_sign(const qq_tensor *sign,
                                     const qq_matrix_options *o, void *out,
                                     size_t out_bytes, qq_matrix *view)
{
    static const float one = 1.0f;
    qq_array a;
    const qq_status status = qqi_sign_array(sign, &one, &a);

    return status == QQ_OK ? qq_matrix_pack(&a, o, out, out_bytes, view)
                           : status;
}

#endif // QQUANT_MATRIX_QUANTIZE_H
