// a[index...] against lists of numbers, made by walking every axis.

#include "qquant.h"

#include "random_array.h"

// The numbers that an entry wants of an axis, in order.
struct list {
    size_t at[32];
    size_t count;
    int drop;
};

static void all_of(struct list *l, size_t n)
{
    l->count = n;
    l->drop = 0;
    for (size_t i = 0; i < n; i++)
        l->at[i] = i;
}

// One random entry for an axis of n, and the list it means: a slice is walked
// from its start in steps, where Python's rules put start and stop.
static qq_index random_entry(size_t n, struct list *l)
{
    qq_index e;
    const long size = (long)n;

    memset(&e, 0, sizeof e);
    all_of(l, n);
    e.kind = (qq_index_kind)(1 + check_u32() % 3);
    if (e.kind == QQ_INDEX_AT && n > 0) {
        const size_t i = below(n);
        e.start = check_u32() % 2 ? (ptrdiff_t)i : (ptrdiff_t)i - size;
        l->at[0] = i;
        l->count = 1;
        l->drop = 1;
        return e;
    }
    if (e.kind != QQ_INDEX_SLICE) {
        e.kind = QQ_INDEX_ALL;
        return e;
    }
    e.has_start = check_u32() % 2 != 0;
    e.has_stop = check_u32() % 2 != 0;
    e.start = (ptrdiff_t)(check_u32() % 17) - 8;
    e.stop = (ptrdiff_t)(check_u32() % 17) - 8;
    e.step = check_u32() % 2 ? 1 : (ptrdiff_t)(check_u32() % 4) + 1;
    if (check_u32() % 3 == 0)
        e.step = -e.step;
    long start = e.start < 0 ? (long)e.start + size : (long)e.start;
    long stop = e.stop < 0 ? (long)e.stop + size : (long)e.stop;
    const long least = e.step < 0 ? -1 : 0;
    const long most = e.step < 0 ? size - 1 : size;
    start = start < least ? least : start > most ? most : start;
    stop = stop < least ? least : stop > most ? most : stop;
    if (!e.has_start)
        start = e.step < 0 ? most : least;
    if (!e.has_stop)
        stop = e.step < 0 ? least : most;
    l->count = 0;
    for (long i = start; e.step < 0 ? i > stop : i < stop; i += (long)e.step)
        l->at[l->count++] = (size_t)i;
    return e;
}

// Whether tiles of t along an axis of n, count of them, survive. strict: all
// of the axis or one number.
static int survives(const struct list *l, size_t n, size_t count, size_t t,
                    int strict)
{
    int run = 1; // the numbers are neighbours, upwards

    if (count == n || count == 1 || l->drop)
        return 1;
    for (size_t i = 1; i < l->count; i++)
        run &= l->at[i] == l->at[i - 1] + 1;
    if (strict || l->count == 0)
        return run && (l->count == n || !strict);
    const size_t end = l->at[l->count - 1] + 1;
    return run && l->at[0] % t == 0 && (end % t == 0 || end == n);
}

static void test_random(int strict)
{
    size_t shape[QQ_MAX_RANK] = {0}, want[2 * QQ_MAX_RANK];
    const unsigned rank = random_shape(shape, 4, 7, 1);
    const qq_array a = random_array(rank, shape, !strict);
    const qq_rule rule = strict ? QQ_RULE_QWIX : QQ_RULE_QQUANT;
    struct list lists[QQ_MAX_RANK];
    qq_index index[16];
    unsigned count = 0, made = 0;
    const unsigned named = rank == 0 ? 0 : check_u32() % (rank + 1);
    const unsigned dots = check_u32() % (named + 1); // entries before "..."
    int explicit_dots = check_u32() % 2 != 0;
    int fits = 1;
    qq_array r;

    memset(index, 0, sizeof index);
    for (unsigned i = 0, axis = 0; i <= named; i++) {
        if (check_u32() % 6 == 0) {
            index[count++].kind = QQ_INDEX_NEW;
            want[made++] = 1;
        }
        if (explicit_dots ? i == dots : i == named) {
            if (explicit_dots)
                index[count++].kind = QQ_INDEX_ELLIPSIS;
            for (unsigned k = named; k < rank; k++, axis++) {
                all_of(&lists[axis], shape[axis]);
                want[made++] = shape[axis];
            }
        }
        if (i == named)
            break;
        index[count++] = random_entry(shape[axis], &lists[axis]);
        if (!lists[axis].drop)
            want[made++] = lists[axis].count;
        axis++;
    }
    for (unsigned k = 0; k < rank; k++) {
        const qq_tensor *zero = &a.zero_point;
        fits &=
            survives(&lists[k], shape[k], a.scale.shape[k], a.tile[k], strict);
        if (zero->type != QQ_TYPE_NONE)
            fits &= survives(&lists[k], shape[k], zero->shape[k],
                             a.zero_tile[k], strict);
    }

    const size_t bytes = qq_array_index_size(&a, rule, index, count);
    if (!fits || made > QQ_MAX_RANK) {
        CHECK(bytes == SIZE_MAX);
        CHECK(qq_array_index(&a, rule, index, count, NULL, 0, &r) ==
              QQ_ERR_SHAPE);
        room_free();
        return;
    }
    if (CHECK(bytes != SIZE_MAX)) {
        void *out = room(bytes);
        CHECK(qq_array_index(&a, rule, index, count, out, bytes, &r) == QQ_OK);
        CHECK(qq_array_check(&r) == QQ_OK && qq_array_bytes(&r) == bytes);
        CHECK(same_shape(&r.value, made, want));
        for (size_t i = 0; i < qq_tensor_count(&r.value); i++) {
            size_t left = i, at[QQ_MAX_RANK];
            for (unsigned k = rank; k-- > 0;) {
                at[k] = lists[k].at[left % lists[k].count];
                left /= lists[k].count;
            }
            CHECK(same_number(&r, i, &a, at_to_place(rank, shape, at)));
        }
        if (bytes > 0)
            CHECK(qq_array_index(&a, rule, index, count, out, bytes - 1, &r) ==
                  QQ_ERR_SIZE);
    }
    room_free();
}

static qq_index entry(qq_index_kind kind, ptrdiff_t start)
{
    qq_index e;

    memset(&e, 0, sizeof e);
    e.kind = kind;
    e.start = start;
    e.step = 1;
    return e;
}

static void test_refusals(void)
{
    const size_t shape[2] = {3, 4};
    const qq_array a = random_array(2, shape, 0);
    qq_index e[12];
    qq_array r;
    const qq_rule rule = QQ_RULE_QQUANT;

    for (int i = 0; i < 12; i++)
        e[i] = entry(QQ_INDEX_ALL, 0);
    CHECK(qq_array_index_size(&a, rule, e, 3) == SIZE_MAX);
    CHECK(qq_array_index(&a, rule, e, 3, NULL, 0, &r) == QQ_ERR_AXIS);
    e[0] = e[1] = entry(QQ_INDEX_ELLIPSIS, 0);
    CHECK(qq_array_index(&a, rule, e, 2, NULL, 0, &r) == QQ_ERR_AXIS);
    e[0] = entry(QQ_INDEX_AT, 3);
    CHECK(qq_array_index(&a, rule, e, 1, NULL, 0, &r) == QQ_ERR_SHAPE);
    e[0] = entry(QQ_INDEX_AT, -4);
    CHECK(qq_array_index(&a, rule, e, 1, NULL, 0, &r) == QQ_ERR_SHAPE);
    e[0] = entry(QQ_INDEX_AT, PTRDIFF_MIN);
    CHECK(qq_array_index(&a, rule, e, 1, NULL, 0, &r) == QQ_ERR_SHAPE);
    e[0] = entry(QQ_INDEX_SLICE, 0);
    e[0].step = 0;
    CHECK(qq_array_index(&a, rule, e, 1, NULL, 0, &r) == QQ_ERR_ARGUMENT);
    e[0].kind = (qq_index_kind)6;
    CHECK(qq_array_index(&a, rule, e, 1, NULL, 0, &r) == QQ_ERR_ARGUMENT);
    e[0].kind = (qq_index_kind)0;
    CHECK(qq_array_index(&a, rule, e, 1, NULL, 0, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_index(&a, rule, NULL, 1, NULL, 0, &r) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_index(&a, (qq_rule)0, e, 0, NULL, 0, &r) == QQ_ERR_ARGUMENT);
    for (int i = 0; i < 12; i++)
        e[i] = entry(QQ_INDEX_NEW, 0);
    CHECK(qq_array_index(&a, rule, e, 7, NULL, 0, &r) == QQ_ERR_SHAPE);
    CHECK(qq_array_index(&a, rule, e, 12, NULL, 0, &r) == QQ_ERR_SHAPE);
    const size_t bytes = qq_array_bytes(&a);
    CHECK(qq_array_index_size(&a, rule, e, 6) == bytes);
    CHECK(qq_array_index(&a, rule, e, 6, NULL, bytes, &r) == QQ_ERR_ARGUMENT);
    void *out = room(bytes);
    CHECK(qq_array_index(&a, rule, e, 6, out, bytes, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_array_index(&a, rule, e, 6, out, bytes, &r) == QQ_OK);
    CHECK(r.value.rank == 8);

    // The widest slices are cut.
    e[0] = entry(QQ_INDEX_SLICE, PTRDIFF_MIN);
    e[0].stop = PTRDIFF_MAX;
    e[0].has_start = e[0].has_stop = 1;
    CHECK(qq_array_index_size(&a, rule, e, 1) == bytes);
    e[0].start = PTRDIFF_MAX;
    e[0].stop = PTRDIFF_MIN;
    e[0].step = PTRDIFF_MIN; // the last row alone
    if (a.tile[0] == 1 || a.scale.shape[0] == 1)
        CHECK(qq_array_index(&a, rule, e, 1, out, bytes, &r) !=
              QQ_ERR_ARGUMENT);
    room_free();
}

int main(void)
{
    for (size_t i = check_count(20000); i > 0; i--)
        test_random(i % 2 == 0);
    for (size_t i = check_count(50); i > 0; i--)
        test_refusals();
    return check_done();
}
