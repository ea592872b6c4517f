// qquant floor 5: the contract between the public array calls and the rules.
//
// Every rule of qq_rule is a row of functions. The public calls look at what
// all rules share (pointers, tensors, sizes, the order of the checks) and then
// ask the row, which may rely on that: arguments are not NULL, tensors have
// passed qq_tensor_check, the row's own check found nothing, and out has room.
// A member that is NULL means that the rule has no such step: the public call
// answers QQ_ERR_UNSUPPORTED.

#ifndef QQUANT_ARRAY_RULE_H
#define QQUANT_ARRAY_RULE_H

#include "api/array.h"
#include "compiler.h"

struct qqi_rule {
    // The QQ_BAD_ bits of a scheme for x; x may be NULL.
    uint32_t (*check)(const qq_scheme *s, const qq_tensor *x);

    // The bytes of scales, zero points and codes; SIZE_MAX beyond size_t.
    size_t (*array_size)(const qq_tensor *x, const qq_scheme *s);
    qq_status (*quantize)(const qq_tensor *x, const qq_scheme *s, void *out,
                          qq_array *view);

    size_t (*bounds_size)(const qq_tensor *x, const qq_scheme *s);
    qq_status (*calibrate)(const qq_tensor *x, const qq_scheme *s, void *out,
                           qq_bounds *view);

    size_t (*scale_size)(const qq_bounds *b, const qq_scheme *s);
    qq_status (*scale)(const qq_bounds *b, const qq_scheme *s, void *out,
                       qq_tensor *scale, qq_tensor *zero_point, float *scale2);

    size_t (*given_size)(const qq_tensor *x, const qq_scheme *s,
                         const qq_tensor *scale, const qq_tensor *zero_point);
    qq_status (*given)(const qq_tensor *x, const qq_scheme *s,
                       const qq_tensor *scale, const qq_tensor *zero_point,
                       void *out, qq_array *view);

    // Codes of scaled numbers: the storage type of the codes, and the codes.
    qq_type (*code_type)(const qq_tensor *x, const qq_scheme *s);
    qq_status (*encode)(const qq_tensor *x, const qq_scheme *s, void *out);

    // out has room for the count of a->value in the type.
    qq_status (*dequantize)(const qq_array *a, qq_type type, void *out);
};

#endif // QQUANT_ARRAY_RULE_H
