// The second file of two: declarations alone, included twice.

#include "qquant.h"
#include "qquant.h"

#include "use.h"

#ifdef QQUANT_IMPLEMENTED
#  error "the implementation came without being asked for"
#endif

int two_b(void);

int two_b(void)
{
    use_qquant();
    return check_failed == 0;
}
