// Inputs of a case as the library takes them: see case.h.

#include "case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

// Room that the case frees.
static uint8_t *golden_room(struct golden_case *c, size_t bytes)
{
    c->memory = (void **)golden_memory(c->memory, (c->memory_count + 1) *
                                                      sizeof *c->memory);
    uint8_t *p = (uint8_t *)golden_memory(NULL, bytes);
    memset(p, 0xa5, bytes != 0 ? bytes : 1);
    c->memory[c->memory_count++] = p;
    return p;
}

// Nothing asks for this much but a size that could not be computed.
static size_t golden_sane(struct golden_case *c, size_t bytes)
{
    if (bytes <= (size_t)1 << 30)
        return bytes;
    golden_fail(c, "a size query answered %lu bytes", (unsigned long)bytes);
    return 0;
}

void *golden_bytes(struct golden_case *c, size_t bytes)
{
    return golden_room(c, golden_sane(c, bytes) + 1) + 1;
}

void *golden_aligned(struct golden_case *c, size_t bytes)
{
    return golden_room(c, golden_sane(c, bytes));
}

static struct golden_array *golden_find(const struct golden_case *c,
                                        const char *name)
{
    for (size_t i = 0; i < c->input_count; i++)
        if (strcmp(c->inputs[i].name, name) == 0)
            return &c->inputs[i];
    return NULL;
}

int golden_has_input(const struct golden_case *c, const char *name)
{
    return golden_find(c, name) != NULL;
}

const struct golden_array *golden_raw(struct golden_case *c, const char *name)
{
    struct golden_array *a = golden_find(c, name);

    if (a != NULL)
        a->read = 1;
    return a;
}

// Writes element i, of bits a byte or a part of it, or of whole bytes.
static void golden_put(uint8_t *out, size_t i, unsigned bits, uint64_t v)
{
    const uint8_t v8 = (uint8_t)(v & 0xff);
    const uint16_t v16 = (uint16_t)(v & 0xffff);
    const uint32_t v32 = (uint32_t)(v & 0xffffffff);

    if (bits == 8)
        out[i] = v8;
    else if (bits == 16)
        memcpy(out + 2 * i, &v16, 2);
    else if (bits == 32)
        memcpy(out + 4 * i, &v32, 4);
    else if (bits == 64)
        memcpy(out + 8 * i, &v, 8);
    else
        for (unsigned j = 0; j < bits; j++)
            if (v >> j & 1)
                out[(i * bits + j) / 8] |=
                    (uint8_t)(1u << ((i * bits + j) % 8));
}

qq_tensor golden_input_as(struct golden_case *c, const char *name, qq_type type)
{
    const struct golden_array *a = golden_raw(c, name);
    qq_tensor t;

    memset(&t, 0, sizeof t);
    if (a == NULL || a->rank > QQ_MAX_RANK || type == QQ_TYPE_NONE)
        return t;
    const unsigned bits = qq_type_bits(type);
    const size_t bytes = (a->count * bits + 7) / 8;
    uint8_t *data = golden_room(c, bytes + 1) + 1;
    memset(data, 0, bytes);
    for (size_t i = 0; i < a->count; i++) {
        uint64_t v = a->bits[i];
        if (type == QQ_TYPE_TERNARY)
            v += 1;
        else if (type == QQ_TYPE_SIGN)
            v = (int64_t)v > 0;
        golden_put(data, i, bits, v);
    }
    t.data = data;
    t.type = type;
    t.rank = a->rank;
    memcpy(t.shape, a->shape, a->rank * sizeof *t.shape);
    return t;
}

qq_tensor golden_input(struct golden_case *c, const char *name)
{
    const struct golden_array *a = golden_find(c, name);

    return golden_input_as(c, name, a != NULL ? a->type.qq : QQ_TYPE_NONE);
}

// The input as an aligned array of elements of 32 bits.
static void *golden_words32(struct golden_case *c, const char *name,
                            const char *type, size_t *count)
{
    const struct golden_array *a = golden_raw(c, name);

    if (a == NULL || strcmp(a->type.name, type) != 0) {
        golden_fail(c, "no input %s of type %s", name, type);
        return NULL;
    }
    uint8_t *out = golden_room(c, 4 * a->count);
    for (size_t i = 0; i < a->count; i++)
        golden_put(out, i, 32, a->bits[i]);
    if (count != NULL)
        *count = a->count;
    return out;
}

float *golden_f32s(struct golden_case *c, const char *name, size_t *count)
{
    return (float *)golden_words32(c, name, "f32", count);
}

int32_t *golden_i32s(struct golden_case *c, const char *name, size_t *count)
{
    return (int32_t *)golden_words32(c, name, "i32", count);
}

uint32_t *golden_u32s(struct golden_case *c, const char *name, size_t *count)
{
    return (uint32_t *)golden_words32(c, name, "u32", count);
}

const char *golden_given_text(struct golden_case *c, const char *name)
{
    for (size_t i = 0; i < c->text_count; i++) {
        if (strcmp(c->texts[i].key, name) == 0) {
            c->texts[i].read = 1;
            return c->texts[i].value;
        }
    }
    return NULL;
}
