// One element of an array: from its word, to its value, to a person.
//
// Written apart from the library, so that its mistakes cannot hide.

#ifndef QQUANT_TESTS_GOLDEN_NUMBER_H
#define QQUANT_TESTS_GOLDEN_NUMBER_H

#include "reader.h"

// The bits of the word of n characters at p; 0 if it is no word of the type.
int golden_read_word(const char *p, size_t n, const struct golden_type *type,
                     uint64_t *bits);

double golden_value(const struct golden_type *type, uint64_t bits);
int golden_is_nan(const struct golden_type *type, uint64_t bits);

// As in the file, floats with their value behind.
void golden_print(const struct golden_type *type, uint64_t bits, char *out,
                  size_t size);

#endif // QQUANT_TESTS_GOLDEN_NUMBER_H
