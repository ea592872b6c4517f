// Any scheme and any floats: a clear status, or an array that fits exactly in
// the bytes that were asked for and can be read back.

#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const qq_type floats[4] = {QQ_TYPE_F32, QQ_TYPE_F16, QQ_TYPE_BF16,
                                  QQ_TYPE_F64};

// Mostly sensible, with a wild number now and then.
static qq_scheme scheme(fuzz_input *in, float levels[16])
{
    qq_scheme s = qq_scheme_init_rule((qq_type)(fuzz_u8(in) % 64),
                                      (qq_rule)(1 + fuzz_u8(in) % 8));
    const uint32_t wild = fuzz_u8(in);
    s.channels = fuzz_u8(in) & (wild & 1 ? 255u : 3u);
    for (unsigned a = 0; a < QQ_MAX_RANK; a++) {
        const uint32_t tile = fuzz_u8(in);
        s.tile[a] = tile < 128 ? 0 : tile - 128;
        if (tile % 16 == 9)
            s.tile_fraction[a] = (double)fuzz_f32(in);
    }
    s.calibration.method = (qq_calib)(fuzz_u8(in) % 11);
    s.calibration.arg_count = fuzz_u8(in) % 4;
    s.calibration.args[0] = (double)fuzz_f32(in);
    s.calibration.args[1] = (double)fuzz_f32(in);
    s.range = (qq_range)(fuzz_u8(in) % 5);
    if (wild & 2)
        s.scale_type = (qq_type)(fuzz_u8(in) % 64);
    s.two_level = wild >> 2 & 1;
    s.power_of_two = wild >> 3 & 1;
    s.division = (qq_division)(fuzz_u8(in) % 6);
    s.noise = (qq_noise)(wild & 16 ? fuzz_u8(in) % 7 : 0);
    s.noise_shared = fuzz_u8(in);
    s.key = qq_key_make(fuzz_u8(in), 0);
    s.layout = (qq_random_layout)(fuzz_u8(in) % 4);
    for (int i = 0; i < 16; i++)
        levels[i] = fuzz_f32(in);
    s.levels = levels;
    s.level_count = fuzz_u8(in) % 17;
    s.clips = levels;
    s.clip_count = fuzz_u8(in) % 17;
    if (wild & 32) {
        s.numerics.kind = (qq_numerics_kind)(fuzz_u8(in) % 5);
        s.numerics.bits = fuzz_u8(in) % 26;
        s.numerics.preserve_zero = (unsigned char)(fuzz_u8(in) & 1);
        s.numerics.preserve_max = (unsigned char)(fuzz_u8(in) & 1);
        s.numerics.clip = (unsigned char)(fuzz_u8(in) & 1);
        s.numerics.round = (unsigned char)(fuzz_u8(in) & 1);
        s.numerics.stochastic = (unsigned char)(fuzz_u8(in) & 1);
        s.numerics.subnormals = (unsigned char)(fuzz_u8(in) & 1);
        s.numerics.exponent = fuzz_u8(in) % 9;
        s.numerics.mantissa = fuzz_u8(in) % 9;
    }
    return s;
}

static void steps(const qq_tensor *x, const qq_scheme *s)
{
    const size_t bytes = qq_calibrate_size(x, s);
    if (bytes == SIZE_MAX)
        return;
    void *room = fuzz_room(bytes);
    qq_bounds b;
    if (qq_calibrate(x, s, room, bytes, &b) == QQ_OK) {
        const size_t scales = qq_scale_size(&b, s);
        if (scales != SIZE_MAX) {
            void *out = fuzz_room(scales);
            qq_tensor scale, zero;
            float scale2;
            (void)qq_scale_from_bounds(&b, s, out, scales, &scale, &zero,
                                       &scale2);
            free(out);
        }
    }
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in;
    float levels[16];
    in.data = data;
    in.size = size;
    const qq_scheme s = scheme(&in, levels);
    qq_tensor x, y;
    void *numbers = fuzz_tensor(&in, floats[fuzz_u8(&in) % 4], &x);
    uint32_t bad = 0;
    const qq_status checked = qq_scheme_check(&s, &x, &bad);
    fuzz_require((checked == QQ_OK) == (bad == 0));

    const size_t bytes = qq_array_size(&x, &s);
    if (bytes != SIZE_MAX) {
        void *room = fuzz_room(bytes);
        qq_array a;
        const qq_status status = qq_quantize(&x, &s, room, bytes, &a);
        fuzz_require(checked == QQ_OK || status != QQ_OK);
        if (status == QQ_OK) {
            const size_t out_bytes =
                qq_type_bytes(QQ_TYPE_F32, qq_tensor_count(&a.value));
            float *out = (float *)fuzz_room(out_bytes);
            if (qq_dequantize(&a, s.rule, QQ_TYPE_F32, out, out_bytes, &y) ==
                QQ_OK) {
                double share;
                (void)qq_clipped_share(&x, &a, &share);
            }
            free(out);
        }
        free(room);
        steps(&x, &s);
    }
    free(numbers);
    return 0;
}
