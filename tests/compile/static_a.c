// Two files with a private copy each, most of which they do not use.

#define QQUANT_STATIC
#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include "use.h"

int static_b(void);

int main(void)
{
    use_qquant();
    CHECK(static_b());
    return check_done();
}
