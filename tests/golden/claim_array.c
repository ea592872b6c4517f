// Claims of the program's own arrays: see case.h.

#include "case.h"

#include <stdlib.h>
#include <string.h>

// An array as a tensor of one axis.
static void golden_expect_array(struct golden_case *c, const char *name,
                                qq_type type, const void *x, size_t count)
{
    qq_tensor t;

    memset(&t, 0, sizeof t);
    t.data = x;
    t.type = type;
    t.rank = 1;
    t.shape[0] = count;
    golden_expect_flat(c, name, &t);
}

void golden_expect_f32s(struct golden_case *c, const char *name, const float *x,
                        size_t count)
{
    golden_expect_array(c, name, QQ_TYPE_F32, x, count);
}

void golden_expect_f64s(struct golden_case *c, const char *name,
                        const double *x, size_t count)
{
    golden_expect_array(c, name, QQ_TYPE_F64, x, count);
}

void golden_expect_i32s(struct golden_case *c, const char *name,
                        const int32_t *x, size_t count)
{
    golden_expect_array(c, name, QQ_TYPE_INT32, x, count);
}

void golden_expect_u32s(struct golden_case *c, const char *name,
                        const uint32_t *x, size_t count)
{
    uint64_t *wide = (uint64_t *)golden_memory(NULL, count * sizeof *wide);

    for (size_t i = 0; i < count; i++)
        wide[i] = x[i];
    golden_expect_u64s(c, name, wide, count);
    free(wide);
}

void golden_expect_u8s(struct golden_case *c, const char *name,
                       const uint8_t *x, size_t count)
{
    golden_expect_array(c, name, QQ_TYPE_UINT8, x, count);
}

void golden_expect_i8s(struct golden_case *c, const char *name, const int8_t *x,
                       size_t count)
{
    golden_expect_array(c, name, QQ_TYPE_INT8, x, count);
}
