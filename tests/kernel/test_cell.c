// Cells: single codes, fields and packing agree with the layout; base 3.

#include "check.h"
#include "kernel/scalar/pack.h"

// Where the manual has a code, as a sum over the parts.
static unsigned code_at(const uint8_t *cells, unsigned bits, size_t row,
                        size_t k)
{
    static const unsigned parts[9][4] = {{0},    {1},    {2},       {2, 1}, {4},
                                         {4, 1}, {4, 2}, {4, 2, 1}, {8}};
    const uint8_t *block = cells + k / 32 * 64 * bits;
    unsigned code = 0;

    for (const unsigned *p = parts[bits]; p < parts[bits] + 4 && *p; p++) {
        const size_t in = k % 32, columns = 32 / *p;
        const uint8_t byte = block[in / columns * 64 + 4 * row + in % 4];
        code = code << *p | (byte >> in % columns / 4 * *p & ((1u << *p) - 1));
        block += 64 * *p;
    }
    return code;
}

static void test_width(unsigned bits, size_t columns)
{
    const size_t bytes = qqi_cells_bytes(bits, columns);
    uint8_t *cells = (uint8_t *)malloc(bytes);
    uint8_t codes[512], field[64];

    memset(codes, 0, sizeof codes);
    for (size_t i = 0; i < 512; i++)
        if (i % 32 < columns)
            codes[i] = (uint8_t)(check_u32() & ((1u << bits) - 1));
    qqi_pack_block_scalar(bits, columns, codes, cells);
    CHECK(columns < 32 || bytes == 64 * bits);
    for (size_t k = 0; k < columns; k++) {
        qqi_field(cells, bits, k / 4 * 4, field);
        for (size_t r = 0; r < 16; r++) {
            CHECK(code_at(cells, bits, r, k) == codes[32 * r + k]);
            CHECK(qqi_cell_code(cells, bits, r, k) == codes[32 * r + k]);
            CHECK(field[4 * r + k % 4] == codes[32 * r + k]);
        }
    }
    free(cells);
}

static void test_base3(void)
{
    uint8_t packed[512], cells[640];

    for (size_t i = 0; i < 512; i++)
        packed[i] = (uint8_t)(check_u32() >> 24);
    qqi_expand_scalar(2, packed, cells);
    for (size_t i = 0; i < 512; i++) {
        unsigned byte = packed[i] > 242 ? 242 : packed[i];
        for (size_t d = 0; d < 5; d++, byte /= 3) {
            const uint8_t cell = cells[i / 256 * 320 + d * 64 + i % 64];
            CHECK((cell >> 2 * (i % 256 / 64) & 3) == (int)(byte % 3));
        }
    }
}

int main(void)
{
    for (unsigned bits = 1; bits <= 8; bits++)
        for (size_t columns = 1; columns <= 32; columns++)
            test_width(bits, columns);
    CHECK(qqi_cells_bytes(3, 0) == 0 &&
          qqi_cells_bytes(8, SIZE_MAX) == SIZE_MAX);
    CHECK(qqi_cells_bytes(1, 33) == 128 && qqi_cells_bytes(7, 33) == 896);
    test_base3();
    return check_done();
}
