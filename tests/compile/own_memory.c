// A program without <string.h>: its own memory functions and assertion.

#include <stddef.h>

static int assertions;
static void *copy(void *to, const void *from, size_t n);
static void *fill(void *to, int byte, size_t n);

#define QQ_MEMCPY    copy
#define QQ_MEMMOVE   copy
#define QQ_MEMSET    fill
#define QQ_ASSERT(x) ((void)((x) ? 0 : assertions++))
#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#ifdef _STRING_H
#  error "string.h was included although nobody asked for it"
#endif

#include "use.h"

static unsigned long copies;

static void *copy(void *to, const void *from, size_t n)
{
    copies++;
    return memmove(to, from, n);
}

static void *fill(void *to, int byte, size_t n)
{
    return memset(to, byte, n);
}

int main(void)
{
    use_qquant();
    CHECK(copies > 0);
    CHECK(fill(&copies, 0, sizeof copies) == &copies);
    CHECK(assertions == 0);
    return check_done();
}
