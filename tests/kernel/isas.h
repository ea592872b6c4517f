// The instruction sets that the machine has, and a product on each of them.

#ifndef QQUANT_TESTS_KERNEL_ISAS_H
#define QQUANT_TESTS_KERNEL_ISAS_H

#include "../matrix/case.h"

static qq_isa isas[CASE_ISAS];
static size_t isa_count;

// All of them, or the one of that name.
static inline void find_isas(const char *only)
{
    for (size_t i = 0; i < CASE_ISAS; i++) {
        const char *name = qq_isa_name(case_isas[i]);
        if (only != NULL && strcmp(name, only) != 0)
            continue;
        if (qq_use_isa(case_isas[i]) == QQ_OK)
            isas[isa_count++] = case_isas[i];
    }
    CHECK(isa_count > 0);
}

// Number at of x.
static inline void put_x(product *c, size_t at, int v)
{
    if (c->o.x_type == QQ_TYPE_INT8)
        c->x[at] = (uint8_t)v;
    else
        store_number(c->x, c->o.x_type, at, check_bits((float)v));
}

// The product on scalar, then on all sets, each in another way: the same bytes,
// and the same scratch.
static inline void isas_agree(const product *c, size_t parts)
{
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    const size_t bytes = case_scratch(c, parts);
    uint8_t *scratch = place(bytes);
    uint8_t *want = place(c->y_bytes), *y = place(c->y_bytes);

    case_run(c, SERIAL, 1, scratch, bytes, want);
    for (size_t i = 0; i < isa_count; i++) {
        const int way = (int)below(CASE_WAYS);
        CHECK(qq_use_isa(isas[i]) == QQ_OK);
        CHECK(case_scratch(c, parts) == bytes);
        case_run(c, way, parts, scratch, bytes, y);
        if (!CHECK(memcmp(y, want, c->y_bytes) == 0) && check_failed < 20)
            case_report(c, qq_isa_name(isas[i]), way, parts, y, want);
    }
}

#endif // QQUANT_TESTS_KERNEL_ISAS_H
