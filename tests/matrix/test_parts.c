// Work in parts and scratch in pieces: every thing is done once, pieces do not
// overlap, sizes that do not fit are found.

#include "matrix/parts.h"
#include "room.h"

static void test_share(void)
{
    for (size_t count = 0; count < 40; count++)
        for (size_t parts = 1; parts < 12; parts++) {
            size_t next = 0, least = SIZE_MAX, most = 0;
            for (size_t i = 0; i < parts; i++) {
                size_t from = 99, to = 99;
                qqi_share(count, parts, i, &from, &to);
                CHECK(from == next && to >= from);
                least = to - from < least ? to - from : least;
                most = to - from > most ? to - from : most;
                next = to;
            }
            CHECK(next == count && most - least <= 1);
        }
}

static void mark(void *arg, size_t part)
{
    ((unsigned *)arg)[part]++;
}

static void backwards(void *user, size_t parts, void (*part)(void *, size_t),
                      void *arg)
{
    ++*(unsigned *)user;
    for (size_t i = parts; i-- > 0;)
        part(arg, i);
}

static void test_threads(void)
{
    for (size_t parts = 1; parts < 9; parts++)
        for (int given = 0; given < 2; given++) {
            unsigned seen[9] = {0}, calls = 0;
            const qqi_threads t =
                qqi_threads_make(parts, given ? backwards : NULL, &calls);
            qqi_threads_run(&t, mark, seen);
            for (size_t i = 0; i < 9; i++)
                CHECK(seen[i] == (i < parts));
            CHECK(calls == (given && parts > 1)); // one part needs no thread
        }
}

// Counted without memory, then laid out from any address.
static void test_pieces(void)
{
    static const size_t counts[5] = {3, 1, 0, 64, 7};
    qqi_pieces p = qqi_pieces_make(NULL);

    for (size_t i = 0; i < 5; i++)
        CHECK(qqi_piece(&p, counts[i], i + 1) == NULL);
    const size_t bytes = qqi_pieces_bytes(&p);
    for (size_t off = 0; off < 70; off += 3) {
        uint8_t *memory = room(bytes + off);
        uint8_t *last = memory + off;
        qqi_pieces q = qqi_pieces_make(memory + off);
        for (size_t i = 0; i < 5; i++) {
            uint8_t *x = (uint8_t *)qqi_piece(&q, counts[i], i + 1);
            CHECK(x >= last && (uintptr_t)x % 64 == 0);
            CHECK(x + counts[i] * (i + 1) <= memory + off + bytes);
            last = x + counts[i] * (i + 1);
        }
        free(memory);
    }
}

static void test_sizes(void)
{
    qqi_pieces p = qqi_pieces_make(NULL);

    CHECK(qqi_pieces_bytes(&p) == 0);
    qqi_piece(&p, SIZE_MAX / 2, 3);
    CHECK(qqi_pieces_bytes(&p) == SIZE_MAX);
    qqi_piece(&p, 1, 1); // once beyond, always beyond
    CHECK(qqi_pieces_bytes(&p) == SIZE_MAX);
    p = qqi_pieces_make(NULL);
    qqi_piece(&p, SIZE_MAX / 2, 1);
    qqi_piece(&p, SIZE_MAX / 2, 1);
    qqi_piece(&p, 200, 1);
    CHECK(qqi_pieces_bytes(&p) == SIZE_MAX);
    p = qqi_pieces_make(NULL);
    qqi_piece(&p, SIZE_MAX - 100, 1); // the slack does not fit
    CHECK(qqi_pieces_bytes(&p) == SIZE_MAX);
    CHECK(qqi_times(SIZE_MAX, 0) == 0);
    CHECK(qqi_times(SIZE_MAX / 3, 3) == SIZE_MAX / 3 * 3);
    CHECK(qqi_times(SIZE_MAX / 2, 3) == SIZE_MAX);
    CHECK(qqi_check_scratch(0, NULL, 0) == QQ_OK);
    CHECK(qqi_check_scratch(1, NULL, 1) == QQ_ERR_ARGUMENT);
    CHECK(qqi_check_scratch(2, &p, 1) == QQ_ERR_SCRATCH);
    CHECK(qqi_check_scratch(SIZE_MAX, &p, SIZE_MAX) == QQ_ERR_SIZE);
}

static void test_rows(void)
{
    float x[6] = {1, 2, 3, 4, 5, 6};

    CHECK(qqi_check_rows(0, 3, NULL, 3, 4) == QQ_OK);
    CHECK(qqi_check_rows(3, 0, NULL, 0, 4) == QQ_OK);
    CHECK(qqi_check_rows(2, 3, NULL, 3, 4) == QQ_ERR_ARGUMENT);
    CHECK(qqi_check_rows(2, 3, x, 2, 4) == QQ_ERR_SHAPE);
    CHECK(qqi_check_rows(2, 3, x, SIZE_MAX / 4 - 2, 4) == QQ_ERR_SHAPE);
    CHECK(qqi_check_rows(2, 3, x, SIZE_MAX / 4 - 3, 4) == QQ_OK);
    CHECK(qqi_check_rows(SIZE_MAX, 3, x, 3, 4) == QQ_ERR_SHAPE);
    CHECK(qqi_rows_finite(2, 2, x, 3));
    x[2] = check_f32(0x7fc00000); // between the rows
    CHECK(qqi_rows_finite(2, 2, x, 3));
    CHECK(!qqi_rows_finite(2, 3, x, 3));
    x[2] = check_f32(0xff800000);
    CHECK(!qqi_rows_finite(1, 3, x, 3));
}

int main(void)
{
    test_share();
    test_threads();
    test_pieces();
    test_sizes();
    test_rows();
    return check_done();
}
