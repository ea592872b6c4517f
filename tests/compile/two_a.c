// Two files, the first with the implementation, the second without.

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include "use.h"

int two_b(void);

int main(void)
{
    use_qquant();
    CHECK(two_b());
    return check_done();
}
