// Texts: calibrations and names of types.

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = (char *)fuzz_room(size);
    memcpy(text, data, size);
    qq_calibration c;
    if (qq_calibration_parse(text, size, &c) == QQ_OK) {
        fuzz_require(c.arg_count <= 2);
        qq_scheme s = qq_scheme_init(QQ_TYPE_INT8);
        s.calibration = c;
        const float x[4] = {-1.5f, 0.0f, 0.25f, 3.0f};
        const size_t four = 4;
        const qq_tensor t = qq_tensor_make(x, QQ_TYPE_F32, 1, &four);
        uint8_t room[64];
        qq_array a;
        const size_t bytes = qq_array_size(&t, &s);
        if (bytes != SIZE_MAX)
            fuzz_require(qq_quantize(&t, &s, room, bytes, &a) == QQ_OK);
    }
    free(text);

    char *name = (char *)fuzz_room(size + 1);
    memcpy(name, data, size);
    name[size] = 0;
    const qq_type type = qq_type_from_name(name);
    fuzz_require(type == QQ_TYPE_NONE || qq_type_bits(type) != 0);
    free(name);
    return 0;
}
