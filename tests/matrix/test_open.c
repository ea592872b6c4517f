// Packed bytes from anywhere: what is refused, and that whatever is accepted
// can be read, unpacked and multiplied without leaving its bytes.

#include "matrix.h"

// Uses a view for all that it is good for.
static void use(const qq_matrix *w)
{
    if (w->n > 300 || w->k > 3000)
        return;
    const size_t out = qq_matrix_unpack_size(w);
    const size_t scratch = qq_matmul_scratch_size(w, NULL, 2);
    float *x = matrix_floats(2 * w->k), *y = matrix_floats(2 * w->n);
    qq_array a;

    if (CHECK(out != SIZE_MAX))
        CHECK(qq_matrix_unpack(w, room(out), out, &a) == QQ_OK);
    CHECK(qq_matrix_row(w, w->n, NULL, room(4 * w->n * w->k),
                        4 * w->n * w->k) == QQ_OK);
    if (CHECK(scratch != SIZE_MAX))
        CHECK(qq_matmul(w, NULL, 2, x, w->k, y, w->n, room(scratch), scratch) ==
              QQ_OK);
    free(x);
    free(y);
    while (room_count > 3)
        free(room_blocks[--room_count]);
}

static void test_header(const qq_matrix *w)
{
    uint8_t *bytes = (uint8_t *)room(w->bytes);
    const size_t head = w->panel_at < 200 ? w->panel_at : 200;
    unsigned accepted = 0;
    qq_matrix v;

    memcpy(bytes, w->data, w->bytes);
    CHECK(qq_matrix_open(bytes, w->bytes, &v) == QQ_OK);
    CHECK(v.n == w->n && v.k == w->k && v.tile_k == w->tile_k &&
          v.tile_n == w->tile_n && v.type == w->type &&
          v.scale_type == w->scale_type && v.flags == w->flags &&
          v.bits == w->bits && v.panel_at == w->panel_at &&
          v.panel_bytes == w->panel_bytes && v.sum_at == w->sum_at);
    for (size_t i = 0; i < head; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] = (uint8_t)(bytes[i] ^ 1u << bit);
            memset(&v, 0x77, sizeof v);
            const qq_status status = qq_matrix_open(bytes, w->bytes, &v);
            if (status == QQ_OK) {
                accepted++;
                CHECK(v.bytes == w->bytes);
                // Shape, tiles, types of the same width; a rotation of lone
                // columns; a second scale.
                CHECK((i >= 6 && i < 10) || i == 12 || i == 14 ||
                      (i >= 16 && i < 40) || i >= 64);
                use(&v);
            } else {
                const uint8_t *p = (const uint8_t *)&v;
                CHECK(p[0] == 0x77 && p[sizeof v - 1] == 0x77);
            }
            if (i < 4)
                CHECK(status == QQ_ERR_FORMAT);
            if ((i >= 40 && i < 64) || (i >= 20 && i < 24))
                CHECK(status != QQ_OK);
            bytes[i] = (uint8_t)(bytes[i] ^ 1u << bit);
        }
    }
    CHECK(accepted > 0);
}

static void test_short(const qq_matrix *w)
{
    const uint8_t *from = (const uint8_t *)w->data;
    qq_matrix v;

    for (size_t n = 0; n < w->bytes; n += n < 260 ? 1 : 1 + check_u32() % 300) {
        uint8_t *bytes = (uint8_t *)room(n);
        memcpy(bytes, from, n);
        CHECK(qq_matrix_open(bytes, n, &v) == QQ_ERR_FORMAT);
        free(room_blocks[--room_count]);
    }
    uint8_t *more = (uint8_t *)room(w->bytes + 7);
    memcpy(more, from, w->bytes);
    CHECK(qq_matrix_open(more, w->bytes + 7, &v) == QQ_OK);
    CHECK(v.bytes == w->bytes);
    CHECK(qq_matrix_open(more, w->bytes, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_matrix_open(NULL, 64, &v) == QQ_ERR_ARGUMENT);
    CHECK(qq_matrix_open(NULL, 0, &v) == QQ_ERR_FORMAT);
    CHECK(qq_matrix_open(more, w->bytes, &v) == QQ_OK);
    more[4] = 2; // a version to come
    CHECK(qq_matrix_open(more, w->bytes, &v) == QQ_ERR_VERSION);
    more[4] = 0;
    CHECK(qq_matrix_open(more, w->bytes, &v) == QQ_ERR_FORMAT);
    more[4] = 1;
    more[14] = 2; // half-steps
    CHECK(qq_matrix_open(more, w->bytes, &v) == QQ_ERR_VERSION);
    more[14] = 0;
    more[10] = 2; // planes
    CHECK(qq_matrix_open(more, w->bytes, &v) == QQ_ERR_VERSION);
    more[10] = 1;
    more[6] = QQ_TYPE_INT16;
    CHECK(qq_matrix_open(more, w->bytes, &v) == QQ_ERR_TYPE);
    more[6] = 200;
    CHECK(qq_matrix_open(more, w->bytes, &v) == QQ_ERR_TYPE);
}

// Sizes that no machine holds.
static void test_huge(const qq_matrix *w)
{
    uint8_t *bytes = (uint8_t *)room(w->bytes);
    qq_matrix v;

    for (int i = 0; i < 400; i++) {
        memcpy(bytes, w->data, w->bytes);
        for (size_t at = 16; at < 40; at++)
            if (check_u32() % 3 == 0)
                bytes[at] = (uint8_t)(check_u32() >> 24);
        const qq_status status = qq_matrix_open(bytes, w->bytes, &v);
        CHECK(status == QQ_OK || status == QQ_ERR_FORMAT ||
              status == QQ_ERR_SIZE);
    }
}

int main(void)
{
    for (size_t t = 0; t < MATRIX_TYPES; t += check_small() ? 5 : 1) {
        for (int more = 0; more < 2; more++) {
            const qq_array a =
                matrix_array(matrix_types[t], 18, 70, 1, more ? 32 : 0,
                             matrix_scales[check_u32() % 5], more);
            qq_matrix_options o = qq_matrix_options_init();
            float *f = matrix_floats(70);
            o.a = o.bias = o.b = more ? f : NULL;
            o.sums = more && !matrix_is_float(a.type);
            const qq_matrix w = matrix_packed(&a, &o);
            while (room_count > 0 &&
                   room_blocks[room_count - 1] != (const uint8_t *)w.data - 1)
                room_count--;
            // Only the packed bytes are kept.
            uint8_t *last = (uint8_t *)room_blocks[--room_count];
            while (room_count > 0)
                free(room_blocks[--room_count]);
            room_blocks[room_count++] = last;
            test_header(&w);
            test_short(&w);
            test_huge(&w);
            free(f);
            room_free();
        }
    }
    return check_done();
}
