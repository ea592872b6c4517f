// What the checkers of array1b share: the operands of eformer's three classes.

#ifndef QQUANT_TESTS_GOLDEN_ARRAY1B_H
#define QQUANT_TESTS_GOLDEN_ARRAY1B_H

#include "checkers.h"

typedef enum array1b_class {
    ARRAY1B_1BIT = 1,
    ARRAY1B_NF4 = 2,
    ARRAY1B_8BIT = 3
} array1b_class;

// The library's type of a type word; none where it has none.
qq_type array1b_type(const char *word);

// The scheme of ArrayNF4 or Array8B as the settings say (block-size, axes,
// version) for an array of that rank; 0 where the library refuses.
int array1b_scheme(struct golden_case *c, array1b_class class_, unsigned rank,
                   qq_scheme *s);

// Quantizes x; 0 where the library refuses.
int array1b_quantize(struct golden_case *c, const qq_tensor *x,
                     const qq_scheme *s, qq_array *a);

// Claims packed and absmax, or codes and scale, of an array.
void array1b_expect_codes(struct golden_case *c, const qq_array *a,
                          qq_rule rule);

// The same, and values: decoded by the rule to a type, none being that of the
// scale.
void array1b_expect(struct golden_case *c, const qq_array *a, qq_rule rule,
                    qq_type type);

// Packs an input in Array1B; type: what is recorded.
int array1b_pack(struct golden_case *c, const char *name, qq_array1b_rule rule,
                 qq_type type, qq_array1b *a);

#endif // QQUANT_TESTS_GOLDEN_ARRAY1B_H
