// What the checkers of onebit share.

#ifndef QQUANT_TESTS_GOLDEN_ONEBIT_H
#define QQUANT_TESTS_GOLDEN_ONEBIT_H

#include "case.h"

struct onebit_answer {
    qq_onebit r;
    float *values; // what it decodes to
    int8_t *sign;
};

// An input as aligned floats, whatever its float type.
float *onebit_floats(struct golden_case *c, const char *name, size_t *count);

// The solver's settings.
qq_onebit_options onebit_settings(struct golden_case *c);

// The original's solver; 0 where it was refused.
int onebit_solve(struct golden_case *c, const qq_onebit_options *o,
                 const float *w, size_t n, size_t k, const float *h,
                 struct onebit_answer *a);

// Floats as a tensor of another float type.
qq_tensor onebit_tensor(struct golden_case *c, qq_type type, unsigned rank,
                        const size_t *shape, const float *x);
void onebit_expect_halves(struct golden_case *c, const char *name,
                          const float *x, size_t n);

// Moments of the input x and, with y, of y - x over x; 0: refused.
int onebit_moments(struct golden_case *c, const char *x, const char *y,
                   size_t chunk, qq_moments *m);
float *onebit_hessian(struct golden_case *c, const qq_moments *m);
float *onebit_cross(struct golden_case *c, const qq_moments *m);

// The weight corrected for propagated errors, in place; 0: refused.
int onebit_adjust(struct golden_case *c, qq_type type, size_t n, size_t k,
                  const float *h, const float *cross, float *w);

// Those of the six errors that the case has, their names ended by suffix.
void onebit_expect_errors(struct golden_case *c, const qq_layer_errors *e,
                          const char *suffix);

#endif // QQUANT_TESTS_GOLDEN_ONEBIT_H
