// qquant floor 9: what calibrations remember.
//
// A state is bytes: a head, and behind it the parts of its method one after
// another, in the machine's byte order:
//
//   mean of absmax    bound, sum: x's type, the shape of the scales; count
//   weighted stats    bound, ones, vals, max, l1, lp: f32, that shape
//   delayed           bound: f32, all sizes 1; kept [1], history: f32

#ifndef QQUANT_TRAIN_STATE_H
#define QQUANT_TRAIN_STATE_H

#include "array/aqt_calibrate.h"
#include "array/aqt_check.h"
#include "train/options.h"

// Words of 32 and 64 bits without a gap, so that every byte is written.
struct qqi_calibrator_head {
    uint32_t magic;
    uint32_t method;
    uint32_t type;
    uint32_t rank;
    uint32_t channels;
    uint32_t zero;
    uint64_t history;
    uint64_t shape[QQ_MAX_RANK]; // of the bounds
};
QQI_STATIC_ASSERT(calibrator_head, sizeof(struct qqi_calibrator_head) == 96);

// --- the layout ------------------------------------------------------------

// The parts of a method, in order; 0 ends the list.
QQI_FN const uint8_t *qqi_calibrator_parts(uint32_t method)
{
    static const uint8_t mean[] = {QQ_CALIBRATOR_BOUND, QQ_CALIBRATOR_SUM,
                                   QQ_CALIBRATOR_COUNT, 0};
    static const uint8_t stats[] = {QQ_CALIBRATOR_BOUND,
                                    QQ_CALIBRATOR_ONES,
                                    QQ_CALIBRATOR_VALS,
                                    QQ_CALIBRATOR_MAX,
                                    QQ_CALIBRATOR_L1,
                                    QQ_CALIBRATOR_LP,
                                    0};
    static const uint8_t delayed[] = {QQ_CALIBRATOR_BOUND, QQ_CALIBRATOR_KEPT,
                                      QQ_CALIBRATOR_HISTORY, 0};

    switch (method) {
    case QQ_CALIBRATOR_MEAN_OF_ABSMAX:
        return mean;
    case QQ_CALIBRATOR_WEIGHTED_STATS:
        return stats;
    case QQ_CALIBRATOR_DELAYED:
        return delayed;
    default:
        return NULL;
    }
}

// A part as a tensor without data.
QQI_FN qq_tensor qqi_calibrator_part(const struct qqi_calibrator_head *h,
                                     int part)
{
    const int typed = h->method == QQ_CALIBRATOR_MEAN_OF_ABSMAX;
    qq_tensor t;

    QQ_MEMSET(&t, 0, sizeof t);
    t.type = typed ? (qq_type)h->type : QQ_TYPE_F32;
    t.rank = h->rank;
    for (unsigned a = 0; a < h->rank; a++)
        t.shape[a] = (size_t)h->shape[a];
    if (part == QQ_CALIBRATOR_COUNT) {
        t.type = QQ_TYPE_INT32;
        t.rank = 0;
    } else if (part == QQ_CALIBRATOR_KEPT || part == QQ_CALIBRATOR_HISTORY) {
        t.rank = 1;
        t.shape[0] = part == QQ_CALIBRATOR_KEPT ? 1 : (size_t)h->history;
    }
    return t;
}

// Where a part begins, or with part 0 where all of them end; 0 if there is no
// such part, or no such state in memory.
QQI_FN size_t qqi_calibrator_place(const struct qqi_calibrator_head *h,
                                   int part)
{
    const uint8_t *const parts = qqi_calibrator_parts(h->method);
    size_t at = sizeof *h;

    for (int i = 0; parts && parts[i] != 0; i++) {
        const qq_tensor t = qqi_calibrator_part(h, parts[i]);
        const size_t bytes = qq_tensor_bytes(&t);
        if (parts[i] == part)
            return at;
        if (bytes == SIZE_MAX || !qqi_add_size(at, bytes, &at))
            return 0;
    }
    return parts && part == 0 ? at : 0;
}

// A tensor of the state, with data.
QQI_FN qq_tensor qqi_calibrator_at(const struct qqi_calibrator_head *h,
                                   const void *state, int part)
{
    qq_tensor t = qqi_calibrator_part(h, part);

    t.data = (const uint8_t *)state + qqi_calibrator_place(h, part);
    return t;
}

QQI_FN void *qqi_calibrator_write(const struct qqi_calibrator_head *h,
                                  void *state, int part)
{
    return (uint8_t *)state + qqi_calibrator_place(h, part);
}

// --- making ----------------------------------------------------------------

// The head of a state; QQ_ERR_SIZE where no memory holds it.
QQI_FN qq_status qqi_calibrator_head_make(const qq_calibrator_options *o,
                                          qq_type type, unsigned rank,
                                          const size_t *shape,
                                          struct qqi_calibrator_head *h)
{
    if (o == NULL || !qqi_calibrator_options_fit(o))
        return QQ_ERR_ARGUMENT;
    if (!qqi_aqt_is_float(type))
        return QQ_ERR_TYPE;
    if (rank > QQ_MAX_RANK || (rank < 32 && o->channels >> rank != 0))
        return QQ_ERR_AXIS;
    if (shape == NULL && rank > 0)
        return QQ_ERR_ARGUMENT;
    QQ_MEMSET(h, 0, sizeof *h);
    h->magic = QQI_CALIBRATOR_INIT;
    h->method = (uint32_t)o->method;
    h->type = (uint32_t)type;
    h->rank = rank;
    h->channels = o->channels;
    h->history = o->method == QQ_CALIBRATOR_DELAYED ? o->history : 0;
    for (unsigned a = 0; a < rank; a++)
        h->shape[a] = o->channels >> a & 1 ? shape[a] : 1;
    return qqi_calibrator_place(h, 0) != 0 ? QQ_OK : QQ_ERR_SIZE;
}

QQ_API size_t qq_calibrator_size(const qq_calibrator_options *o, qq_type type,
                                 unsigned rank, const size_t *shape)
{
    struct qqi_calibrator_head h;

    return qqi_calibrator_head_make(o, type, rank, shape, &h) == QQ_OK
               ? qqi_calibrator_place(&h, 0)
               : SIZE_MAX;
}

QQ_API qq_status qq_calibrator_init(const qq_calibrator_options *o,
                                    qq_type type, unsigned rank,
                                    const size_t *shape, void *state,
                                    size_t bytes)
{
    struct qqi_calibrator_head h;
    const qq_status status = qqi_calibrator_head_make(o, type, rank, shape, &h);

    if (status != QQ_OK)
        return status;
    if (state == NULL)
        return QQ_ERR_ARGUMENT;
    if (bytes != qqi_calibrator_place(&h, 0))
        return QQ_ERR_SIZE;
    QQ_MEMSET(state, 0, bytes); // an integer or a float of 0 is all zeros
    QQ_MEMCPY(state, &h, sizeof h);
    const uint8_t *const parts = qqi_calibrator_parts(h.method);
    for (int i = 0; parts[i] != 0; i++) {
        const qq_tensor t = qqi_calibrator_part(&h, parts[i]);
        const double prior = qqi_calibrator_prior(o, parts[i]);
        const size_t n = prior != 0.0 ? qq_tensor_count(&t) : 0;
        for (size_t k = 0; k < n; k++)
            qqi_store_value(t.type, qqi_calibrator_write(&h, state, parts[i]),
                            k, qqi_f32_from_f64(prior));
    }
    return QQ_OK;
}

// --- reading ---------------------------------------------------------------

// The head of a state; nothing in it is trusted.
QQI_FN qq_status qqi_calibrator_read(const void *state, size_t bytes,
                                     struct qqi_calibrator_head *h)
{
    if (state == NULL)
        return QQ_ERR_ARGUMENT;
    if (bytes < sizeof *h)
        return QQ_ERR_FORMAT;
    QQ_MEMCPY(h, state, sizeof *h);
    int fits = h->magic == QQI_CALIBRATOR_INIT && h->rank <= QQ_MAX_RANK &&
               h->type <= QQ_TYPE_NVFP4 && qqi_aqt_is_float((qq_type)h->type) &&
               h->history <= SIZE_MAX;
    for (unsigned a = 0; fits && a < h->rank; a++)
        fits = h->shape[a] <= SIZE_MAX;
    return fits && qqi_calibrator_place(h, 0) == bytes ? QQ_OK : QQ_ERR_FORMAT;
}

QQ_API qq_status qq_calibrator_view(const void *state, size_t bytes,
                                    qq_calibrator_part part, qq_tensor *view)
{
    struct qqi_calibrator_head h;
    const qq_status status = qqi_calibrator_read(state, bytes, &h);

    if (status != QQ_OK)
        return status;
    const size_t at = part > 0 && part <= QQ_CALIBRATOR_KEPT
                          ? qqi_calibrator_place(&h, (int)part)
                          : 0;
    if (at == 0 || view == NULL)
        return QQ_ERR_ARGUMENT;
    *view = qqi_calibrator_at(&h, state, (int)part);
    return QQ_OK;
}

#endif // QQUANT_TRAIN_STATE_H
