// Numbers repeated in a row until an array has a shape.

#include "qquant.h"

#include "random_array.h"

static void test_array(void)
{
    size_t shape[QQ_MAX_RANK] = {0}, want[QQ_MAX_RANK];
    const unsigned rank = random_shape(shape, 3, 5, 1);
    const qq_array a = random_array(rank, shape, 1);
    const unsigned added = check_u32() % 3;
    const unsigned now = rank + added;
    int fits = 1, same = added == 0;
    qq_array r;

    for (unsigned i = 0; i < now; i++) {
        const size_t n = i < added ? 1 : shape[i - added];
        want[i] = n * (1 + below(3));
        if (check_u32() % 16 == 0)
            want[i] = below(8);
        fits &= n == want[i] || n == 1 ||
                (n > 0 && want[i] > 0 && want[i] % n == 0);
        same &= n == want[i];
    }
    const size_t bytes = qq_array_broadcast_size(&a, now, want);
    CHECK((bytes != SIZE_MAX) == fits);
    if (!fits) {
        CHECK(qq_array_broadcast(&a, now, want, NULL, 0, &r) == QQ_ERR_SHAPE);
        room_free();
        return;
    }
    void *out = room(bytes);
    CHECK(qq_array_broadcast(&a, now, want, out, bytes, &r) == QQ_OK);
    CHECK(same_shape(&r.value, now, want));
    if (same)
        CHECK(bytes == 0 && r.value.data == a.value.data &&
              same_shape(&r.scale, rank, a.scale.shape));
    else
        CHECK(qq_array_bytes(&r) == bytes && same_shape(&r.scale, now, want));
    CHECK(qq_array_check(&r) == QQ_OK);
    for (size_t i = 0; i < qq_tensor_count(&r.value); i++) {
        size_t p[QQ_MAX_RANK], q[QQ_MAX_RANK];
        place_to_at(i, now, want, p);
        for (unsigned k = added; k < now; k++)
            q[k - added] = p[k] / (want[k] / shape[k - added]);
        CHECK(same_number(&r, i, &a, at_to_place(rank, shape, q)));
    }
    if (bytes > 0)
        CHECK(qq_array_broadcast(&a, now, want, out, bytes - 1, &r) ==
              QQ_ERR_SIZE);
    room_free();
}

int main(void)
{
    for (size_t i = check_count(10000); i > 0; i--)
        test_array();
    return check_done();
}
