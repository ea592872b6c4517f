// qquant floor 7: the driver of products.
//
// Phase 0 makes codes of x, group by group; phase 1 multiplies. A part of
// phase 0 is a range of groups, one of phase 1 a range of panels or, where
// there are more groups than panels for everybody, of groups. Each number of y
// is computed by one part, in one order, so parts cannot change it.
//
// In a part, groups whose codes fit a cache together meet a few panels at a
// time, which stay in a nearer cache for all of them.

#ifndef QQUANT_MATRIX_MATMUL_H
#define QQUANT_MATRIX_MATMUL_H

#include "matrix/ahead.h"
#include "matrix/offset.h"
#include "matrix/parts.h"
#include "matrix/turn.h"

// Bytes of codes of x, and of cells of W, that shall stay in caches.
#define QQI_NEAR_X ((size_t)1 << 18)
#define QQI_NEAR_W ((size_t)1 << 14)

// Multiplications below which threads are not worth waking, each weight counted
// twice more for being read: some 20 microseconds of AVX-512.
#define QQI_SMALL_PRODUCT ((size_t)1 << 23)

QQI_FN void qqi_prepare_part(void *arg, size_t part)
{
    const qqi_matmul *t = (const qqi_matmul *)arg;
    size_t from, to;

    qqi_share(t->groups.count, t->parts, part, &from, &to);
    for (size_t i = from; i < to; i++) {
        qqi_columns g;
        qqi_columns_make(&t->p, &t->how, &t->groups, &t->room, i, t->scratch,
                         &g);
        if (t->w->block > 0)
            qqi_turn_rows(t, g.first, g.count);
        t->how.prepare(&t->p, &g);
        if (t->w->offset_at != 0)
            qqi_total_rows(t, &g);
    }
}

// --- panels ----------------------------------------------------------------

// Groups whose codes fit a cache together.
QQI_FN size_t qqi_groups_at_once(const qqi_matmul *t, size_t groups)
{
    const size_t bytes = t->p.padded * t->groups.width;

    if (groups <= 1 || bytes == 0 || bytes > QQI_NEAR_X)
        return 1;
    return QQI_NEAR_X / bytes;
}

// Panels that meet all groups of a block before the next ones do.
QQI_FN size_t qqi_panels_at_once(const qqi_matmul *t, size_t groups)
{
    size_t count = t->how.panels;

    if (groups == 1)
        return SIZE_MAX;
    const size_t bytes = qqi_codes_bytes(t->w);
    if (bytes > 0 && QQI_NEAR_W / bytes > count)
        count = QQI_NEAR_W / bytes / count * count;
    return count;
}

// Panels first to last - 1 and groups from to to - 1.
QQI_FN void qqi_multiply_groups(const qqi_matmul *t, const qqi_product *p,
                                size_t first, size_t last, size_t from,
                                size_t to, uint8_t *mine)
{
    qqi_columns g;

    for (size_t i = from; i < to; i++) {
        qqi_columns_make(p, &t->how, &t->groups, &t->room, i, t->scratch, &g);
        if (t->w->offset_at != 0)
            qqi_offset_rows(t, &g, first, last);
        t->how.multiply(p, &g, first, last, mine);
    }
}

// The same, a few panels at a time, which are made ready first.
QQI_NOINLINE void qqi_multiply_ahead(const qqi_matmul *t, size_t first,
                                     size_t last, size_t from, size_t to,
                                     uint8_t *mine)
{
    qqi_product p = t->p;

    for (size_t i = first, next; i < last; i = next) {
        next = QQI_AHEAD < last - i ? i + QQI_AHEAD : last;
        qqi_panels_ahead(t, i, next, mine, &p);
        qqi_multiply_groups(t, &p, i, next, from, to, mine);
    }
}

QQI_FN void qqi_multiply_block(const qqi_matmul *t, size_t first, size_t last,
                               size_t from, size_t to, uint8_t *mine)
{
    if (t->room.cells_at != 0 || t->room.sums_at != 0) {
        qqi_multiply_ahead(t, first, last, from, to, mine);
        return;
    }
    const size_t step = qqi_panels_at_once(t, to - from);
    for (size_t i = first, next; i < last; i = next) {
        next = step < last - i ? i + step : last;
        qqi_multiply_groups(t, &t->p, i, next, from, to, mine);
    }
}

QQI_FN void qqi_multiply_part(void *arg, size_t part)
{
    const qqi_matmul *t = (const qqi_matmul *)arg;
    const size_t panels = t->w->panels;
    const size_t ahead = t->how.panels;
    const size_t lots =
        ahead == 1 ? panels : panels / ahead + (panels % ahead > 0);
    uint8_t *mine = t->scratch + t->room.part_at + part * t->room.part_bytes;
    size_t first = 0, last = panels, from = 0, to = t->groups.count;

    if (lots >= t->parts || lots >= to) {
        qqi_share(lots, t->parts, part, &first, &last);
        first *= ahead;
        last = last * ahead < panels ? last * ahead : panels;
    } else {
        qqi_share(t->groups.count, t->parts, part, &from, &to);
    }
    const size_t block = qqi_groups_at_once(t, to - from);
    for (size_t i = from; i < to; i += block)
        qqi_multiply_block(t, first, last, i, block < to - i ? i + block : to,
                           mine);
}

// --- the calls -------------------------------------------------------------

// What the program gives, or the defaults, which are made only where needed.
QQI_INLINE const qq_matmul_options *
qqi_matmul_options_of(const qq_matmul_options *o, qq_matmul_options *defaults)
{
    if (o != NULL)
        return o;
    *defaults = qq_matmul_options_init();
    return defaults;
}

QQ_API size_t qq_matmul_scratch_size(const qq_matrix *w,
                                     const qq_matmul_options *o, size_t m)
{
    qq_matmul_options defaults;
    const qq_matmul_options *use = qqi_matmul_options_of(o, &defaults);
    qqi_product p;
    qqi_room room;

    if (qqi_product_make(&p, w, use) != QQ_OK ||
        !qqi_room_make(&p, w, m, use->parts, &room))
        return SIZE_MAX;
    return m > 0 && w->n > 0 ? room.bytes : 0;
}

// Whether rows of that stride and width lie within what can be addressed.
QQI_FN int qqi_rows_fit(size_t m, size_t ld, size_t row, size_t bytes)
{
    size_t all;

    return ld >= row && (m == 0 || (qqi_mul_size(m - 1, ld, &all) &&
                                    qqi_add_size(all, row, &all) &&
                                    qqi_mul_size(all, bytes, &all)));
}

// Everything about a product, checked in the order of the arguments.
QQI_FN qq_status qqi_matmul_make(qqi_matmul *t, const qq_matrix *w,
                                 const qq_matmul_options *o, size_t m,
                                 const void *x, size_t ldx, void *y, size_t ldy,
                                 void *scratch, size_t scratch_bytes)
{
    qqi_product *p = &t->p;
    const qq_status status = qqi_product_make(p, w, o);

    if (status != QQ_OK)
        return status;
    const int scaled = o->x_type != QQ_TYPE_INT8 ||
                       p->input == QQ_INPUT_INT8_STATIC || o->x_scales != NULL;
    if (m > 0 && ((p->k > 0 && x == NULL) || !scaled))
        return QQ_ERR_ARGUMENT;
    if (!qqi_rows_fit(m, ldx, p->k, qq_type_bits(p->x_type) / 8))
        return QQ_ERR_SHAPE;
    if (m > 0 && p->n > 0 && y == NULL)
        return QQ_ERR_ARGUMENT;
    if (!qqi_rows_fit(m, ldy, p->n, sizeof(float)))
        return QQ_ERR_SHAPE;
    if (!qqi_room_make(p, w, m, o->parts, &t->room))
        return QQ_ERR_SIZE;
    t->w = w;
    t->parts = o->parts;
    p->x = (const uint8_t *)x;
    p->ldx = ldx;
    p->y = (uint8_t *)y;
    p->ldy = ldy;
    if (m == 0 || p->n == 0)
        return QQ_OK;
    if (scratch == NULL)
        return QQ_ERR_ARGUMENT;
    if (scratch_bytes < t->room.bytes)
        return QQ_ERR_SCRATCH;
    const size_t off = (size_t)((uintptr_t)scratch % 64);
    t->scratch = (uint8_t *)scratch + (off > 0 ? 64 - off : 0);
    t->accumulate = o->accumulate;
    if (w->offset_at != 0)
        p->accumulate = 1;
    if (w->block > 0)
        qqi_turn_begin(t);
    t->kernel = qqi_kernel_now();
    t->kernel->choose(p, &t->how);
    qqi_grouping_make(p, &t->how, m, &t->groups);
    return QQ_OK;
}

// A lone group on one thread, which nothing has to be made ready for: what
// follows below comes to this then.
QQI_INLINE int qqi_is_simple(const qqi_matmul *t)
{
    return t->groups.count == 1 && t->w->block == 0 && t->w->offset_at == 0 &&
           t->room.cells_at == 0 && t->room.sums_at == 0;
}

QQI_FN void qqi_matmul_simple(const qqi_matmul *t)
{
    qqi_columns g;

    qqi_columns_make(&t->p, &t->how, &t->groups, &t->room, 0, t->scratch, &g);
    t->how.prepare(&t->p, &g);
    t->how.multiply(&t->p, &g, 0, t->w->panels, t->scratch + t->room.part_at);
}

// A product that one thread has done before a second one wakes.
QQI_FN int qqi_is_small(const qqi_matmul *t)
{
    size_t work;

    return qqi_mul_size(t->p.n, t->p.k, &work) &&
           qqi_mul_size(work, t->groups.m + 2, &work) &&
           work < QQI_SMALL_PRODUCT;
}

QQ_API qq_status qq_matmul(const qq_matrix *w, const qq_matmul_options *o,
                           size_t m, const void *x, size_t ldx, void *y,
                           size_t ldy, void *scratch, size_t scratch_bytes)
{
    qq_matmul_options defaults;
    const qq_matmul_options *use = qqi_matmul_options_of(o, &defaults);
    qqi_matmul t;

    const qq_status status =
        qqi_matmul_make(&t, w, use, m, x, ldx, y, ldy, scratch, scratch_bytes);
    if (status != QQ_OK || m == 0 || w->n == 0)
        return status;
    if (use->parallel == NULL || t.parts == 1 || qqi_is_small(&t)) {
        t.parts = 1;
        if (qqi_is_simple(&t)) {
            qqi_matmul_simple(&t);
            return QQ_OK;
        }
        qqi_prepare_part(&t, 0);
        qqi_multiply_part(&t, 0);
        return QQ_OK;
    }
    // A lone group is no work for threads.
    if (t.groups.count == 1)
        for (size_t i = 0; i < t.parts; i++)
            qqi_prepare_part(&t, i);
    else
        use->parallel(use->parallel_user, t.parts, qqi_prepare_part, &t);
    use->parallel(use->parallel_user, t.parts, qqi_multiply_part, &t);
    return QQ_OK;
}

QQ_API qq_status qq_matmul_part(const qq_matrix *w, const qq_matmul_options *o,
                                size_t m, const void *x, size_t ldx, void *y,
                                size_t ldy, void *scratch, size_t scratch_bytes,
                                unsigned phase, size_t part)
{
    qq_matmul_options defaults;
    const qq_matmul_options *use = qqi_matmul_options_of(o, &defaults);
    qqi_matmul t;

    const qq_status status =
        qqi_matmul_make(&t, w, use, m, x, ldx, y, ldy, scratch, scratch_bytes);
    if (status != QQ_OK)
        return status;
    if (phase > 1 || part >= t.parts)
        return QQ_ERR_ARGUMENT;
    if (m == 0 || w->n == 0)
        return QQ_OK;
    if (phase == 0)
        qqi_prepare_part(&t, part);
    else
        qqi_multiply_part(&t, part);
    return QQ_OK;
}

#endif // QQUANT_MATRIX_MATMUL_H
