// Scales in other layouts: every number is where the product looks for it.

#include "check.h"
#include "qquant.h"

// A product with random axes: for each axis of an operand its partner in the
// other one, or none, and whether the pair is batch.
struct product {
    qq_dot_axes axes;
    size_t lhs[QQ_MAX_RANK], rhs[QQ_MAX_RANK];
    unsigned lhs_rank, rhs_rank;
};

static unsigned below(unsigned n)
{
    return check_u32() % n;
}

static void shuffle(unsigned *order, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        order[i] = i;
    for (unsigned i = n; i > 1; i--) {
        const unsigned k = below(i), t = order[i - 1];
        order[i - 1] = order[k];
        order[k] = t;
    }
}

static void make(struct product *p)
{
    unsigned l[QQ_MAX_RANK], r[QQ_MAX_RANK];

    memset(p, 0, sizeof *p);
    p->axes.batch_count = below(3);
    p->axes.contract_count = below(3);
    const unsigned pairs = p->axes.batch_count + p->axes.contract_count;
    p->lhs_rank = pairs + below(3);
    p->rhs_rank = pairs + below(3);
    shuffle(l, p->lhs_rank);
    shuffle(r, p->rhs_rank);
    for (unsigned i = 0; i < p->lhs_rank; i++)
        p->lhs[i] = 1 + below(4);
    for (unsigned i = 0; i < p->rhs_rank; i++)
        p->rhs[i] = 1 + below(4);
    for (unsigned i = 0; i < pairs; i++) {
        const unsigned k = i - p->axes.batch_count;
        p->rhs[r[i]] = p->lhs[l[i]];
        if (i < p->axes.batch_count) {
            p->axes.lhs_batch[i] = l[i];
            p->axes.rhs_batch[i] = r[i];
        } else {
            p->axes.lhs_contract[k] = l[i];
            p->axes.rhs_contract[k] = r[i];
        }
    }
}

// The number of axis a's index within the flat index i of a shape.
static size_t index_of(size_t i, const size_t *shape, unsigned rank, unsigned a)
{
    for (unsigned k = rank - 1; k > a; k--)
        i /= shape[k];
    return i % shape[a];
}

static int has(const unsigned *axes, unsigned n, unsigned a)
{
    for (unsigned i = 0; i < n; i++)
        if (axes[i] == a)
            return 1;
    return 0;
}

// Each element of a moved scale holds the flat index it had; places[a] is the
// result's axis where axis a of the scale went, or its rank.
static void check_moved(const qq_tensor *scale, const qq_tensor *view,
                        const unsigned *places)
{
    const size_t n = qq_tensor_count(scale);

    CHECK(qq_tensor_count(view) == n);
    for (size_t i = 0; i < n; i++) {
        const size_t from = (size_t)qq_tensor_value(view, i);
        for (unsigned a = 0; a < scale->rank; a++) {
            const size_t at = index_of(from, scale->shape, scale->rank, a);
            CHECK(places[a] >= view->rank
                      ? at == 0
                      : at == index_of(i, view->shape, view->rank, places[a]));
        }
    }
}

static void check_side(const struct product *p, int rhs)
{
    const qq_dot_side side = rhs ? QQ_DOT_RHS : QQ_DOT_LHS;
    const unsigned rank = rhs ? p->rhs_rank : p->lhs_rank;
    const unsigned other = rhs ? p->lhs_rank : p->rhs_rank;
    const unsigned nb = p->axes.batch_count, nc = p->axes.contract_count;
    const unsigned *batch = rhs ? p->axes.rhs_batch : p->axes.lhs_batch;
    const unsigned *con = rhs ? p->axes.rhs_contract : p->axes.lhs_contract;
    const unsigned *ob = rhs ? p->axes.lhs_batch : p->axes.rhs_batch;
    const unsigned *oc = rhs ? p->axes.lhs_contract : p->axes.rhs_contract;
    static float data[65536], out[65536];
    unsigned places[QQ_MAX_RANK];
    qq_tensor scale =
        qq_tensor_make(data, QQ_TYPE_F32, rank, rhs ? p->rhs : p->lhs);
    qq_tensor view;

    for (int i = 0; i < 65536; i++)
        data[i] = (float)i;
    // As the product sees it.
    unsigned next = nb + (rhs ? other - nb - nc : 0);
    for (unsigned a = 0; a < rank; a++)
        places[a] = QQ_MAX_RANK;
    for (unsigned i = 0; i < nb; i++)
        places[batch[i]] = i;
    for (unsigned a = 0; a < rank; a++) {
        if (has(con, nc, a))
            scale.shape[a] = 1;
        else if (!has(batch, nb, a))
            places[a] = next++;
    }
    CHECK(qq_aqt_scale_to_output(&scale, &p->axes, side, other, out, sizeof out,
                                 &view) == QQ_OK);
    CHECK(view.rank == rank + other - nb - 2 * nc);
    check_moved(&scale, &view, places);
    // As the other operand sees it.
    for (unsigned a = 0; a < rank; a++) {
        places[a] = QQ_MAX_RANK;
        scale.shape[a] = (rhs ? p->rhs : p->lhs)[a];
        if (!has(con, nc, a) && !has(batch, nb, a))
            scale.shape[a] = 1;
    }
    for (unsigned i = 0; i < nb; i++)
        places[batch[i]] = ob[i];
    for (unsigned i = 0; i < nc; i++)
        places[con[i]] = oc[i];
    CHECK(qq_aqt_scale_to_other(&scale, &p->axes, side, other, out, sizeof out,
                                &view) == QQ_OK);
    CHECK(view.rank == other);
    check_moved(&scale, &view, places);
}

// 'bmnts,bsnh->bmtnh' of the specification.
static void check_example(void)
{
    const qq_dot_axes d = {{4}, {1}, 1, {0, 2}, {0, 2}, 2};
    const size_t lhs[5] = {2, 1, 4, 7, 1}, rhs[4] = {2, 1, 4, 3};
    const size_t want_lhs[5] = {2, 4, 1, 7, 1}, want_rhs[5] = {2, 4, 1, 1, 3};
    float data[56] = {0}, out[56];
    const qq_tensor l = qq_tensor_make(data, QQ_TYPE_F32, 5, lhs);
    const qq_tensor r = qq_tensor_make(data, QQ_TYPE_F32, 4, rhs);
    qq_tensor v;

    CHECK(qq_aqt_scale_to_output(&l, &d, QQ_DOT_LHS, 4, out, sizeof out, &v) ==
          QQ_OK);
    CHECK(v.rank == 5 && memcmp(v.shape, want_lhs, sizeof lhs) == 0);
    CHECK(qq_aqt_scale_to_output(&r, &d, QQ_DOT_RHS, 5, out, sizeof out, &v) ==
          QQ_OK);
    CHECK(v.rank == 5 && memcmp(v.shape, want_rhs, sizeof want_rhs) == 0);
}

static void check_refused(void)
{
    qq_dot_axes d = {{1}, {0}, 1, {0}, {0}, 0};
    const size_t shape[2] = {2, 3};
    float data[6] = {0}, out[6];
    const qq_tensor s = qq_tensor_make(data, QQ_TYPE_F32, 2, shape);
    qq_tensor v;

    // Scales along a contracted axis, along a remaining one.
    CHECK(qq_aqt_scale_to_output(&s, &d, QQ_DOT_LHS, 2, out, 24, &v) ==
          QQ_ERR_SHAPE);
    CHECK(qq_aqt_scale_to_other(&s, &d, QQ_DOT_LHS, 2, out, 24, &v) ==
          QQ_ERR_SHAPE);
    CHECK(qq_aqt_scale_to_output(&s, &d, (qq_dot_side)3, 2, out, 24, &v) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_aqt_scale_to_output(&s, NULL, QQ_DOT_LHS, 2, out, 24, &v) ==
          QQ_ERR_ARGUMENT);
    d.lhs_contract[0] = 2;
    CHECK(qq_aqt_scale_to_output(&s, &d, QQ_DOT_LHS, 2, out, 24, &v) ==
          QQ_ERR_AXIS);
    d.lhs_contract[0] = 1;
    d.batch_count = 1;
    d.lhs_batch[0] = 1; // twice
    CHECK(qq_aqt_scale_to_output(&s, &d, QQ_DOT_LHS, 2, out, 24, &v) ==
          QQ_ERR_AXIS);
    d.lhs_batch[0] = 0;
    d.rhs_batch[0] = 5;
    CHECK(qq_aqt_scale_to_other(&s, &d, QQ_DOT_LHS, 2, out, 24, &v) ==
          QQ_ERR_AXIS);
    d.batch_count = 9;
    CHECK(qq_aqt_scale_to_other(&s, &d, QQ_DOT_LHS, 2, out, 24, &v) ==
          QQ_ERR_AXIS);
}

int main(void)
{
    const size_t n = check_count(300);

    for (size_t i = 0; i < n; i++) {
        struct product p;
        make(&p);
        check_side(&p, 0);
        check_side(&p, 1);
    }
    check_example();
    check_refused();
    return check_done();
}
