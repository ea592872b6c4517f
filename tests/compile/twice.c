// Declarations first, then the implementation, then both again: harmless.

#include "qquant.h"

#define QQUANT_IMPLEMENTATION 1
#include "qquant.h"
#include "qquant.h"

#include "use.h"

int main(void)
{
    use_qquant();
    return check_done();
}
