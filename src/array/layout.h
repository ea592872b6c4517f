// qquant floor 5: where the parts of a quantized array lie.
//
//   out: scales, zero points if there are any, codes
//
// behind each other without gaps.

#ifndef QQUANT_ARRAY_LAYOUT_H
#define QQUANT_ARRAY_LAYOUT_H

#include "array/scheme.h"

struct qqi_layout {
    qq_tensor scale;      // data is not used
    qq_tensor zero_point; // type none: absent
    qq_tensor value;
    size_t tile[QQ_MAX_RANK];
    size_t scale_bytes;
    size_t zero_bytes;
    size_t bytes; // of all; SIZE_MAX beyond size_t
};

// The sizes, once the three tensors are known.
QQI_FN void qqi_layout_sum(struct qqi_layout *l)
{
    const size_t codes = qq_tensor_bytes(&l->value);
    const int zero = l->zero_point.type != QQ_TYPE_NONE;

    l->scale_bytes = qq_tensor_bytes(&l->scale);
    l->zero_bytes = zero ? qq_tensor_bytes(&l->zero_point) : 0;
    l->bytes = SIZE_MAX;
    if (l->scale_bytes == SIZE_MAX || l->zero_bytes == SIZE_MAX ||
        codes == SIZE_MAX)
        return;
    size_t sum = 0;
    if (qqi_add_size(l->scale_bytes, l->zero_bytes, &sum) &&
        qqi_add_size(sum, codes, &sum))
        l->bytes = sum;
}

// What a scheme makes of x: scales of a type, zero points if asymmetric.
QQI_FN void qqi_layout_make(struct qqi_layout *l, const qq_scheme *s,
                            const qq_tensor *x, qq_type scale_type,
                            int asymmetric)
{
    const qq_type codes = qqi_type_storage(s->type);
    size_t count[QQ_MAX_RANK];

    qqi_scheme_tiles(s, x->rank, x->shape, l->tile, count);
    l->scale = qq_tensor_make(NULL, scale_type, x->rank, count);
    l->zero_point =
        qq_tensor_make(NULL, asymmetric ? codes : QQ_TYPE_NONE, x->rank, count);
    l->value = qq_tensor_make(NULL, codes, x->rank, x->shape);
    qqi_layout_sum(l);
}

// The same for scales that are given: tiles follow from their shape, which
// divides x's.
QQI_FN void qqi_layout_given(struct qqi_layout *l, const qq_scheme *s,
                             const qq_tensor *x, const qq_tensor *scale,
                             qq_type scale_type, const qq_tensor *zero_point)
{
    const qq_type codes = qqi_type_storage(s->type);

    for (unsigned a = 0; a < x->rank; a++) {
        const int none = x->shape[a] == 0 || scale->shape[a] == 0;
        l->tile[a] = none ? 1 : x->shape[a] / scale->shape[a];
    }
    l->scale = qq_tensor_make(NULL, scale_type, scale->rank, scale->shape);
    l->zero_point =
        qq_tensor_make(NULL, zero_point != NULL ? codes : QQ_TYPE_NONE,
                       scale->rank, scale->shape);
    l->value = qq_tensor_make(NULL, codes, x->rank, x->shape);
    qqi_layout_sum(l);
}

// Where the parts lie; NULL stays NULL, for a view without data.
QQI_FN void *qqi_layout_zero(const struct qqi_layout *l, void *out)
{
    return out != NULL ? (uint8_t *)out + l->scale_bytes : NULL;
}

QQI_FN void *qqi_layout_codes(const struct qqi_layout *l, void *out)
{
    const size_t before = l->scale_bytes + l->zero_bytes;

    return out != NULL ? (uint8_t *)out + before : NULL;
}

// The array whose parts lie in out.
QQI_FN void qqi_layout_view(const struct qqi_layout *l, const qq_scheme *s,
                            void *out, qq_array *view)
{
    QQ_MEMSET(view, 0, sizeof *view);
    view->scale = l->scale;
    view->scale.data = out;
    view->zero_point = l->zero_point;
    if (l->zero_point.type != QQ_TYPE_NONE)
        view->zero_point.data = qqi_layout_zero(l, out);
    view->value = l->value;
    view->value.data = qqi_layout_codes(l, out);
    for (unsigned a = 0; a < l->value.rank; a++) {
        view->tile[a] = l->tile[a];
        view->zero_tile[a] = l->tile[a];
    }
    view->type = s->type;
    view->scale2 = 1.0f;
    if (s->type == QQ_TYPE_BOOK) {
        view->levels = s->levels;
        view->level_count = s->level_count;
    }
}

#endif // QQUANT_ARRAY_LAYOUT_H
