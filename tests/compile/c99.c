// The plainest use: one C file that holds the implementation.

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include "use.h"

int main(void)
{
    use_qquant();
    return check_done();
}
