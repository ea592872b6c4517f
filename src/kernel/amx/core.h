// qquant floor 5: tile registers and codes, by AMX and AVX-512.
//
// The compiler knows neither what a tile register holds nor, always, that
// loading and storing one touches memory: hence the fences, which are no
// instructions.

#ifndef QQUANT_KERNEL_AMX_CORE_H
#define QQUANT_KERNEL_AMX_CORE_H

#include "kernel/amx/last.h"
#include "kernel/avx512/expand.h"

#if QQI_HAS_AMX

#  include <immintrin.h>

// --- tiles -----------------------------------------------------------------

QQI_AMX_INLINE void qqi_amx_fence(void)
{
    __asm__ volatile("" : : : "memory");
}

QQI_AMX_INLINE void qqi_amx_tile_zero(void *regs, int t)
{
    (void)regs;
    switch (t) {
    case 0:
        _tile_zero(0);
        return;
    case 1:
        _tile_zero(1);
        return;
    case 2:
        _tile_zero(2);
        return;
    default:
        _tile_zero(3);
        return;
    }
}

QQI_AMX_INLINE void qqi_amx_tile_load(void *regs, int t, const void *p)
{
    (void)regs;
    qqi_amx_fence();
    switch (t) {
    case 0:
        _tile_loadd(0, p, 64);
        return;
    case 1:
        _tile_loadd(1, p, 64);
        return;
    case 2:
        _tile_loadd(2, p, 64);
        return;
    case 3:
        _tile_loadd(3, p, 64);
        return;
    case 4:
        _tile_loadd(4, p, 64);
        return;
    case 5:
        _tile_loadd(5, p, 64);
        return;
    case 6:
        _tile_loadd(6, p, 64);
        return;
    default:
        _tile_loadd(7, p, 64);
        return;
    }
}

QQI_AMX_INLINE void qqi_amx_tile_stream(void *regs, int t, const void *p)
{
    (void)regs;
    qqi_amx_fence();
    if (t == 4)
        _tile_stream_loadd(4, p, 64);
    else
        _tile_stream_loadd(5, p, 64);
}

QQI_AMX_INLINE void qqi_amx_tile_store(void *regs, int t, void *p)
{
    (void)regs;
    switch (t) {
    case 0:
        _tile_stored(0, p, 64);
        break;
    case 1:
        _tile_stored(1, p, 64);
        break;
    case 2:
        _tile_stored(2, p, 64);
        break;
    default:
        _tile_stored(3, p, 64);
        break;
    }
    qqi_amx_fence();
}

QQI_AMX_INLINE void qqi_amx_tile_dot(void *regs, int t)
{
    (void)regs;
    switch (t) {
    case 0:
        _tile_dpbsud(0, 4, 6);
        return;
    case 1:
        _tile_dpbsud(1, 4, 7);
        return;
    case 2:
        _tile_dpbsud(2, 5, 6);
        return;
    default:
        _tile_dpbsud(3, 5, 7);
        return;
    }
}

QQI_AMX_INLINE void qqi_amx_tile_dot_signed(void *regs, int t)
{
    (void)regs;
    switch (t) {
    case 0:
        _tile_dpbssd(0, 4, 6);
        return;
    case 1:
        _tile_dpbssd(1, 4, 7);
        return;
    case 2:
        _tile_dpbssd(2, 5, 6);
        return;
    default:
        _tile_dpbssd(3, 5, 7);
        return;
    }
}

// Compilers have no name for this one in all versions; all that have tiles have
// it.
QQI_AMX_INLINE void qqi_amx_tile_write(const void *p)
{
    __asm__ volatile("prefetchw (%0)" : : "r"(p));
}

// What LDTILECFG reads.
typedef struct qqi_amx_shapes {
    uint8_t palette;
    uint8_t start;
    uint8_t zeros[14];
    uint16_t bytes[16]; // of a row
    uint8_t rows[16];
} qqi_amx_shapes;

QQI_STATIC_ASSERT(amx_shapes, sizeof(qqi_amx_shapes) == 64);

QQI_AMX_FN void qqi_amx_open(void *regs, size_t rows, size_t depth)
{
    qqi_amx_shapes s;

    (void)regs;
    QQ_MEMSET(&s, 0, sizeof s);
    s.palette = 1;
    for (int i = 0; i < 8; i++) {
        s.bytes[i] = 64;
        s.rows[i] = (uint8_t)rows;
    }
    s.bytes[4] = s.bytes[5] = (uint16_t)depth;
    s.rows[6] = s.rows[7] = (uint8_t)(depth / 4);
    qqi_amx_fence();
    _tile_loadconfig(&s);
}

QQI_AMX_FN void qqi_amx_close(void *regs)
{
    (void)regs;
    _tile_release();
}

// --- codes -----------------------------------------------------------------

// u of all codes of b bits, again and again in 64 bytes: only six bits of a
// byte look them up, so what else is in it does not matter.
QQI_AMX_INLINE __m512i qqi_amx_table(const qqi_product *p, unsigned b,
                                     int is_signed)
{
    static const uint8_t numbers[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                        8, 9, 10, 11, 12, 13, 14, 15};

    const __m512i codes = _mm512_and_si512(
        qqi_quarters_avx512(numbers), _mm512_set1_epi8((char)((1u << b) - 1)));
    const __m512i u =
        p->code == QQI_CODE_BOOK
            ? _mm512_shuffle_epi8(qqi_quarters_avx512(p->book), codes)
        : p->mul == 2 ? _mm512_add_epi8(codes, codes)
                      : codes;
    return is_signed ? _mm512_sub_epi8(u, _mm512_set1_epi8((char)p->add)) : u;
}

// A cell to 512 / bits bytes.
QQI_AMX_INLINE void qqi_amx_expand_cell(const uint8_t *cell, unsigned bits,
                                        __m512i table, uint8_t *u)
{
    const __m512i v = qqi_load_avx512(cell);

    QQI_UNROLL_AVX512
    for (unsigned f = 0; f < 8 / bits; f++)
        qqi_store_avx512(u + 64 * f,
                         _mm512_permutexvar_epi8(
                             _mm512_srli_epi16(v, (uint8_t)(f * bits)), table));
}

QQI_AMX_INLINE void qqi_amx_expand_of(const uint8_t *cells, unsigned bits,
                                      size_t columns, __m512i table, uint8_t *u)
{
    const size_t cell = 32 / bits;

    for (size_t i = 0; i < columns; i += cell, cells += 64, u += 16 * cell)
        qqi_amx_expand_cell(cells, bits, table, u);
}

QQI_AMX_FN void qqi_amx_expand_amx(const qqi_product *p, size_t i, size_t k,
                                   size_t end, int is_signed, uint8_t *u)
{
    const uint8_t *cells = qqi_panel_cells(p, i) + k / 32 * 64 * p->bits;
    const size_t columns = end - k;

    if (p->bits == 1)
        qqi_amx_expand_of(cells, 1, columns, qqi_amx_table(p, 1, is_signed), u);
    else if (p->bits == 2)
        qqi_amx_expand_of(cells, 2, columns, qqi_amx_table(p, 2, is_signed), u);
    else if (p->bits == 4)
        qqi_amx_expand_of(cells, 4, columns, qqi_amx_table(p, 4, is_signed), u);
    else
        qqi_expand_avx512(p, i, k, end, u, 64);
}

// What a unit needs of the matrix.
QQI_AMX_FN void qqi_amx_begin_amx(qqi_amx_make *m)
{
    const qqi_product *p = m->p;

    if (p->bits == 1 || p->bits == 2 || p->bits == 4)
        qqi_store_avx512(m->table, qqi_amx_table(p, p->bits, m->is_signed));
}

QQI_AMX_INLINE void qqi_amx_make_of(const qqi_amx_make *m, unsigned bits,
                                    size_t unit)
{
    const __m512i table = qqi_load_avx512(m->table);

    for (size_t h = 0; h < 2; h++)
        qqi_amx_expand_of(m->cells[h] + 64 * bits * unit, bits, 32, table,
                          m->u[h] + 512 * unit);
}

// Into the second cache. To gcc a function that does no more than
// _mm_prefetch does nothing at all.
QQI_AMX_INLINE void qqi_amx_prefetch(const uint8_t *p)
{
    __asm__ volatile("prefetcht1 (%0)" : : "r"(p));
}

QQI_AMX_INLINE void qqi_amx_tile_ask(const qqi_amx_make *m, size_t unit)
{
    const size_t bits = m->p->bits;

    for (size_t i = bits * unit; i < bits * (unit + 1); i++) {
        qqi_amx_prefetch(m->far[0] + 64 * i);
        qqi_amx_prefetch(m->far[1] + 64 * i);
    }
}

// The fence: tiles are loaded from there before.
QQI_AMX_INLINE void qqi_amx_tile_make(const qqi_amx_make *m, size_t unit)
{
    const unsigned bits = m->p->bits;
    const size_t k = m->k + 32 * unit;

    qqi_amx_fence();
    if (bits == 1)
        qqi_amx_make_of(m, 1, unit);
    else if (bits == 2)
        qqi_amx_make_of(m, 2, unit);
    else if (bits == 4)
        qqi_amx_make_of(m, 4, unit);
    else
        for (size_t h = 0; h < 2; h++)
            qqi_amx_expand_amx(m->p, m->panel[h], k, k + 32, m->is_signed,
                               m->u[h] + 512 * unit);
}

// --- runs ------------------------------------------------------------------

QQI_AMX_FN void qqi_amx_run_amx(qqi_amx_run *r)
{
    static const qqi_amx_tiles tiles = {
        qqi_amx_tile_zero,  qqi_amx_tile_load, qqi_amx_tile_stream,
        qqi_amx_tile_store, qqi_amx_tile_dot,  qqi_amx_tile_dot_signed,
        qqi_amx_tile_make,  qqi_amx_tile_ask,  qqi_amx_tile_write,
        qqi_amx_last_amx};

    qqi_amx_loop(&tiles, r);
}

#endif // QQI_HAS_AMX

#endif // QQUANT_KERNEL_AMX_CORE_H
