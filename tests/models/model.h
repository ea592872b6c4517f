// What the tests on real models share: files of QQ_DATA, packing a matrix, the
// list of types with their scale tiles.

#ifndef QQUANT_TESTS_MODELS_MODEL_H
#define QQUANT_TESTS_MODELS_MODEL_H

#include "check.h"
#include "qquant.h"

// A whole file of the data folder, or NULL (also without QQ_DATA).
static unsigned char *model_file(const char *name, size_t *bytes)
{
    char path[1024];
    const char *dir = getenv("QQ_DATA");
    if (dir == NULL || strlen(dir) > 900 ||
        snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return NULL;
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    unsigned char *data = NULL;
    if (fseek(f, 0, SEEK_END) == 0 && ftell(f) > 0) {
        *bytes = (size_t)ftell(f);
        rewind(f);
        data = (unsigned char *)malloc(*bytes);
        if (data != NULL && fread(data, 1, *bytes, f) != *bytes) {
            free(data);
            data = NULL;
        }
    }
    fclose(f);
    return data;
}

// Little-endian words of a file, on any machine.
static uint32_t model_u32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static void model_floats(const unsigned char *p, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = check_f32(model_u32(p + 4 * i));
}

// One row of the table: a type and its scales.
typedef struct model_row {
    qq_type type;
    size_t tile; // 0: a scale a row
} model_row;

static const model_row model_rows[] = {
    {QQ_TYPE_INT8, 0},     {QQ_TYPE_INT8, 32}, {QQ_TYPE_E4M3FN, 0},
    {QQ_TYPE_E4M3FN, 32},  {QQ_TYPE_INT6, 0},  {QQ_TYPE_INT6, 32},
    {QQ_TYPE_INT5, 0},     {QQ_TYPE_INT5, 32}, {QQ_TYPE_INT4, 0},
    {QQ_TYPE_INT4, 32},    {QQ_TYPE_NF4, 0},   {QQ_TYPE_NF4, 32},
    {QQ_TYPE_E2M1, 0},     {QQ_TYPE_E2M1, 32}, {QQ_TYPE_MXFP4, 32},
    {QQ_TYPE_NVFP4, 16},   {QQ_TYPE_INT3, 0},  {QQ_TYPE_INT3, 32},
    {QQ_TYPE_INT2, 0},     {QQ_TYPE_INT2, 32}, {QQ_TYPE_TERNARY, 0},
    {QQ_TYPE_TERNARY, 32}, {QQ_TYPE_SIGN, 0},  {QQ_TYPE_SIGN, 32},
};
enum { MODEL_ROWS = sizeof model_rows / sizeof model_rows[0] };

static qq_scheme model_scheme(model_row m)
{
    qq_scheme s = qq_scheme_init(m.type);
    CHECK(qq_scheme_channel(&s, 0, 2) == QQ_OK);
    if (m.tile)
        CHECK(qq_scheme_tile(&s, 1, 2, m.tile) == QQ_OK);
    return s;
}

// The n x k matrix w packed under s, with a bias if not NULL: the bytes, which
// are the caller's to free, and the view.
static unsigned char *model_pack(const float *w, size_t n, size_t k,
                                 const qq_scheme *s, const float *bias,
                                 qq_matrix *view)
{
    const size_t shape[2] = {n, k};
    const qq_tensor t = qq_tensor_make(w, QQ_TYPE_F32, 2, shape);
    qq_matrix_options o = qq_matrix_options_init();
    o.bias = bias;
    const size_t bytes = qq_matrix_quantize_size(&t, s, &o);
    const size_t room = qq_matrix_quantize_scratch_size(&t, s);
    if (!CHECK(bytes != SIZE_MAX && room != SIZE_MAX))
        exit(2);
    unsigned char *packed = (unsigned char *)malloc(bytes ? bytes : 1);
    unsigned char *scratch = (unsigned char *)malloc(room ? room : 1);
    CHECK(qq_matrix_quantize(&t, s, &o, packed, bytes, scratch, room, view) ==
          QQ_OK);
    free(scratch);
    return packed;
}

#endif // QQUANT_TESTS_MODELS_MODEL_H
