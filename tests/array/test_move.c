// array/gather.h and array/move.h against loops over indices.

#include "array/move.h"
#include "room.h"

static const qq_type types[] = {QQ_TYPE_SIGN, QQ_TYPE_TERNARY, QQ_TYPE_INT3,
                                QQ_TYPE_NF4,  QQ_TYPE_INT5,    QQ_TYPE_E2M3,
                                QQ_TYPE_INT7, QQ_TYPE_BOOK,    QQ_TYPE_INT16,
                                QQ_TYPE_F32,  QQ_TYPE_F64};

enum { TYPES = sizeof types / sizeof *types };

// An element as it is stored, in the low bits.
static uint64_t raw(const qq_tensor *t, size_t i)
{
    uint64_t v = 0;

    if (t->type != QQ_TYPE_F64)
        return qqi_load_code(t->type, t->data, i);
    memcpy(&v, (const char *)t->data + 8 * i, 8);
    return v;
}

static size_t flat(const qq_tensor *t, const size_t *index)
{
    size_t i = 0;

    for (unsigned a = 0; a < t->rank; a++)
        i = i * t->shape[a] + index[a];
    return i;
}

// The index of element i.
static void unflat(const qq_tensor *t, size_t i, size_t *index)
{
    for (unsigned a = t->rank; a-- > 0;) {
        index[a] = i % t->shape[a];
        i /= t->shape[a];
    }
}

static qq_tensor random_tensor(qq_type type, unsigned rank, size_t most)
{
    size_t shape[QQ_MAX_RANK] = {0};

    for (unsigned a = 0; a < rank; a++)
        shape[a] = check_u32() % 16 ? 1 + check_u32() % most : 0;
    qq_tensor t = qq_tensor_make(NULL, type, rank, shape);
    t.data = room_random(qq_tensor_bytes(&t));
    return t;
}

static void drop(qq_tensor *t)
{
    void *data;

    memcpy(&data, &t->data, sizeof data);
    free(data);
    t->data = NULL;
}

// The bits behind the last code are 0.
static int clean(const qq_tensor *t)
{
    const size_t bytes = qq_tensor_bytes(t);
    const unsigned used =
        (unsigned)(qq_tensor_count(t) % 8) * qq_type_bits(t->type) % 8;

    return used == 0 || bytes == 0 ||
           ((const uint8_t *)t->data)[bytes - 1] >> used == 0;
}

// A buffer for a result.
static uint8_t *room_for(qq_type type, unsigned rank, const size_t *shape,
                         size_t *bytes)
{
    const qq_tensor t = qq_tensor_make(NULL, type, rank, shape);

    *bytes = qq_tensor_bytes(&t);
    return room(*bytes);
}

static void test_transpose(qq_type type, unsigned rank, size_t most)
{
    qq_tensor t = random_tensor(type, rank, most);
    unsigned axes[QQ_MAX_RANK] = {0};
    size_t shape[QQ_MAX_RANK] = {0};
    size_t at[QQ_MAX_RANK] = {0};
    size_t from[QQ_MAX_RANK] = {0};
    size_t bytes = 0;
    qq_tensor view;

    for (unsigned a = 0; a < rank; a++) {
        const unsigned k = check_u32() % (a + 1);
        axes[a] = axes[k];
        axes[k] = a;
    }
    for (unsigned a = 0; a < rank; a++)
        shape[a] = t.shape[axes[a]];
    uint8_t *out = room_for(type, rank, shape, &bytes);
    CHECK(qq_tensor_transpose(&t, axes, out, bytes, &view) == QQ_OK);
    int same = view.rank == rank && view.type == type && clean(&view) &&
               memcmp(view.shape, shape, sizeof shape) == 0;
    for (size_t i = 0; i < qq_tensor_count(&view); i++) {
        unflat(&view, i, at);
        for (unsigned a = 0; a < rank; a++)
            from[axes[a]] = at[a];
        same &= raw(&view, i) == raw(&t, flat(&t, from));
    }
    CHECK(same);
    if (rank > 0) {
        axes[0] = rank > 1 ? axes[1] : 1;
        CHECK(qq_tensor_transpose(&t, axes, out, bytes, &view) == QQ_ERR_AXIS);
    }
    drop(&t);
    free(out);
}

static void test_slice(qq_type type, unsigned rank, size_t most)
{
    qq_tensor t = random_tensor(type, rank, most);
    size_t start[QQ_MAX_RANK] = {0};
    size_t count[QQ_MAX_RANK] = {0};
    ptrdiff_t step[QQ_MAX_RANK] = {0};
    size_t at[QQ_MAX_RANK] = {0};
    size_t bytes = 0;
    qq_tensor view;

    for (unsigned a = 0; a < rank; a++) {
        const size_t n = t.shape[a];
        step[a] = (ptrdiff_t)(check_u32() % 7) - 3;
        start[a] = n > 0 ? check_u32() % n : 0;
        const size_t far = (size_t)(step[a] < 0 ? -step[a] : step[a]);
        const size_t left = step[a] < 0 ? start[a] : n - 1 - start[a];
        if (n > 0)
            count[a] =
                step[a] == 0 ? check_u32() % 2 : check_u32() % (left / far + 2);
    }
    uint8_t *out = room_for(type, rank, count, &bytes);
    CHECK(qq_tensor_slice(&t, start, count, step, out, bytes, &view) == QQ_OK);
    int same = view.rank == rank && view.type == type && clean(&view) &&
               memcmp(view.shape, count, sizeof count) == 0;
    for (size_t i = 0; i < qq_tensor_count(&view); i++) {
        unflat(&view, i, at);
        for (unsigned a = 0; a < rank; a++)
            at[a] = (size_t)((ptrdiff_t)start[a] + (ptrdiff_t)at[a] * step[a]);
        same &= raw(&view, i) == raw(&t, flat(&t, at));
    }
    CHECK(same);
    drop(&t);
    free(out);
}

static void test_repeat(qq_type type, unsigned rank, size_t most)
{
    qq_tensor t = random_tensor(type, rank, most);
    size_t shape[QQ_MAX_RANK] = {0};
    size_t at[QQ_MAX_RANK] = {0};
    size_t times[QQ_MAX_RANK] = {0};
    size_t bytes = 0;
    qq_tensor view;

    for (unsigned a = 0; a < rank; a++) {
        times[a] = check_u32() % 12 ? 1 + check_u32() % 4 : 0;
        shape[a] = t.shape[a] * times[a];
    }
    uint8_t *out = room_for(type, rank, shape, &bytes);
    CHECK(qq_tensor_repeat(&t, shape, out, bytes, &view) == QQ_OK);
    int same = view.rank == rank && view.type == type && clean(&view) &&
               memcmp(view.shape, shape, sizeof shape) == 0;
    for (size_t i = 0; i < qq_tensor_count(&view); i++) {
        unflat(&view, i, at);
        for (unsigned a = 0; a < rank; a++)
            at[a] /= times[a];
        same &= raw(&view, i) == raw(&t, flat(&t, at));
    }
    CHECK(same);
    drop(&t);
    free(out);
}

static void test_concatenate(qq_type type, unsigned rank)
{
    const unsigned axis = check_u32() % rank;
    const size_t n = 1 + check_u32() % 4;
    qq_tensor part[4];
    const qq_tensor *list[4];
    size_t shape[QQ_MAX_RANK] = {0};
    size_t at[QQ_MAX_RANK] = {0};
    size_t bytes = 0;
    qq_tensor view;
    qq_tensor first = random_tensor(type, rank, 6);

    memcpy(shape, first.shape, sizeof shape);
    shape[axis] = 0;
    for (size_t i = 0; i < n; i++) {
        part[i] = first;
        part[i].shape[axis] = check_u32() % 6;
        part[i].data = room_random(qq_tensor_bytes(&part[i]));
        list[i] = &part[i];
        shape[axis] += part[i].shape[axis];
    }
    uint8_t *out = room_for(type, rank, shape, &bytes);
    CHECK(qq_tensor_concatenate(list, n, axis, out, bytes, &view) == QQ_OK);
    int same = view.rank == rank && view.type == type && clean(&view) &&
               memcmp(view.shape, shape, sizeof shape) == 0;
    for (size_t i = 0; i < qq_tensor_count(&view); i++) {
        size_t k = 0;
        unflat(&view, i, at);
        while (at[axis] >= part[k].shape[axis])
            at[axis] -= part[k++].shape[axis];
        same &= raw(&view, i) == raw(&part[k], flat(&part[k], at));
    }
    CHECK(same);
    for (size_t i = 0; i < n; i++)
        drop(&part[i]);
    drop(&first);
    free(out);
}

static void test_slice_limits(void)
{
    static const size_t n = 10;
    static const uint8_t data[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    static const struct {
        size_t start, count;
        ptrdiff_t step;
        qq_status want;
    } cases[] = {
        {0, 10, 1, QQ_OK},
        {0, 11, 1, QQ_ERR_SHAPE},
        {9, 10, -1, QQ_OK},
        {9, 11, -1, QQ_ERR_SHAPE},
        {10, 1, 1, QQ_ERR_SHAPE},
        {10, 0, 1, QQ_OK},
        {SIZE_MAX, 0, 0, QQ_OK},
        {SIZE_MAX, 2, 1, QQ_ERR_SHAPE},
        {9, 1, 0, QQ_OK},
        {9, 2, 0, QQ_ERR_ARGUMENT},
        {1, 3, 4, QQ_OK},
        {2, 3, 4, QQ_ERR_SHAPE},
        {0, 2, PTRDIFF_MAX, QQ_ERR_SHAPE},
        {9, 2, PTRDIFF_MIN, QQ_ERR_SHAPE},
        {9, 1, PTRDIFF_MIN, QQ_OK},
        {5, SIZE_MAX, 1, QQ_ERR_SHAPE},
        {9, 4, -3, QQ_OK},
        {8, 4, -3, QQ_ERR_SHAPE},
    };
    const qq_tensor t = qq_tensor_make(data, QQ_TYPE_UINT8, 1, &n);
    uint8_t out[10];
    qq_tensor view;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!CHECK(qq_tensor_slice(&t, &cases[i].start, &cases[i].count,
                                   &cases[i].step, out, 10,
                                   &view) == cases[i].want))
            printf("slice case %u\n", (unsigned)i);
    const size_t start = 9;
    const size_t count = 4;
    const ptrdiff_t step = -3;
    CHECK(qq_tensor_slice(&t, &start, &count, &step, out, 3, &view) ==
          QQ_ERR_SIZE);
    CHECK(qq_tensor_slice(&t, &start, &count, &step, out, 4, &view) == QQ_OK);
    CHECK(memcmp(out, "\x09\x06\x03\x00", 4) == 0);
    CHECK(qq_tensor_slice(&t, NULL, &count, &step, out, 4, &view) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_slice(&t, &start, NULL, &step, out, 4, &view) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_slice(&t, &start, &count, NULL, out, 4, &view) ==
          QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_slice(NULL, &start, &count, &step, out, 4, &view) ==
          QQ_ERR_ARGUMENT);
}

static void test_refuse(void)
{
    static const size_t shape[2] = {4, 6};
    static const size_t other[2] = {4, 5};
    static const size_t larger[2] = {8, 9};
    static const size_t lots[2] = {SIZE_MAX / 4 * 4, 6};
    static const unsigned axes[2] = {1, 0};
    static const unsigned twice[2] = {1, 1};
    const size_t huge[1] = {SIZE_MAX / 2};
    const size_t none[2] = {0, 6};
    const uint8_t data[24] = {0};
    const qq_tensor a = qq_tensor_make(data, QQ_TYPE_INT8, 2, shape);
    const qq_tensor b = qq_tensor_make(data, QQ_TYPE_INT8, 2, other);
    const qq_tensor c = qq_tensor_make(data, QQ_TYPE_UINT8, 2, shape);
    const qq_tensor d = qq_tensor_make(data, QQ_TYPE_INT8, 1, shape);
    const qq_tensor e = qq_tensor_make(data, QQ_TYPE_INT8, 2, none);
    const qq_tensor h = qq_tensor_make(data, QQ_TYPE_INT2, 1, huge);
    const qq_tensor *list[3] = {&a, &b, &c};
    uint8_t out[48] = {0};
    qq_tensor view = a;

    CHECK(qq_tensor_transpose(&a, NULL, out, 24, &view) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_transpose(&a, twice, out, 24, &view) == QQ_ERR_AXIS);
    CHECK(qq_tensor_transpose(&a, axes, out, 23, &view) == QQ_ERR_SIZE);
    CHECK(qq_tensor_transpose(&a, axes, NULL, 24, &view) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_transpose(&a, axes, out, 24, NULL) == QQ_ERR_ARGUMENT);

    CHECK(qq_tensor_repeat(&a, NULL, out, 24, &view) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_repeat(&a, larger, out, 48, &view) == QQ_ERR_SHAPE);
    CHECK(qq_tensor_repeat(&a, lots, out, 48, &view) == QQ_ERR_SIZE);
    CHECK(qq_tensor_repeat(&e, shape, out, 24, &view) == QQ_ERR_SHAPE);
    CHECK(qq_tensor_repeat(&e, none, NULL, 0, &view) == QQ_OK);

    CHECK(qq_tensor_concatenate(list, 2, 1, out, 48, &view) == QQ_OK);
    CHECK(qq_tensor_concatenate(list, 2, 1, out, 43, &view) == QQ_ERR_SIZE);
    CHECK(qq_tensor_concatenate(list, 2, 0, out, 48, &view) == QQ_ERR_SHAPE);
    CHECK(qq_tensor_concatenate(list, 2, 2, out, 48, &view) == QQ_ERR_AXIS);
    CHECK(qq_tensor_concatenate(list, 3, 0, out, 48, &view) == QQ_ERR_TYPE);
    CHECK(qq_tensor_concatenate(list, 0, 0, out, 48, &view) == QQ_ERR_ARGUMENT);
    CHECK(qq_tensor_concatenate(NULL, 1, 0, out, 48, &view) == QQ_ERR_ARGUMENT);
    list[1] = &d;
    CHECK(qq_tensor_concatenate(list, 2, 0, out, 48, &view) == QQ_ERR_SHAPE);
    list[1] = NULL;
    CHECK(qq_tensor_concatenate(list, 2, 0, out, 48, &view) == QQ_ERR_ARGUMENT);
    list[0] = list[1] = list[2] = &h;
    CHECK(qq_tensor_concatenate(list, 3, 0, out, 48, &view) == QQ_ERR_SIZE);
    CHECK(qq_tensor_concatenate(list, 1, 0, out, 48, &view) == QQ_ERR_SIZE);
}

int main(void)
{
    for (size_t k = 0; k < check_count(60); k++)
        for (int i = 0; i < TYPES; i++) {
            for (unsigned rank = 0; rank <= 5; rank++) {
                test_transpose(types[i], rank, 6);
                if (rank > 0)
                    test_concatenate(types[i], rank);
            }
            for (unsigned rank = 0; rank <= 4; rank++) {
                test_slice(types[i], rank, 12);
                test_repeat(types[i], rank, 5);
            }
        }
    for (int i = 0; i < TYPES; i++) {
        test_transpose(types[i], 8, 3);
        test_repeat(types[i], 8, 2);
        // Rows longer than what is unpacked at a time.
        for (int k = 0; k < 5; k++) {
            test_transpose(types[i], 2, 200);
            test_slice(types[i], 2, 200);
            test_repeat(types[i], 2, 100);
        }
    }
    test_slice_limits();
    test_refuse();
    return check_done();
}
