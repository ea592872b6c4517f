// The same in C++, with the standard library's headers first.

#include <cstring>
#include <vector>

#define QQUANT_IMPLEMENTATION
#include "qquant.h"

#include "use.h"

int main()
{
    use_qquant();
    return check_done();
}
