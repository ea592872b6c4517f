// qquant floor 2: the bits of a number, bytes to numbers and back, sizes.
//
// Bytes are reached by memcpy alone, so that no pointer need be aligned.
// Loads and stores are in the machine's own byte order, as arrays of numbers
// are; those named le are little-endian, as files and packed matrices are.

#ifndef QQUANT_NUM_BITS_H
#define QQUANT_NUM_BITS_H

#include "compiler.h"

// What a float is made of, and the NaN that we write where we make one.
enum { QQI_F32_INF = 0x7f800000, QQI_F32_NAN = 0x7fc00000 };

QQI_INLINE uint32_t qqi_f32_bits(float x)
{
    uint32_t u;
    QQ_MEMCPY(&u, &x, sizeof u);
    return u;
}

QQI_INLINE float qqi_f32_of(uint32_t u)
{
    float x;
    QQ_MEMCPY(&x, &u, sizeof x);
    return x;
}

QQI_INLINE uint64_t qqi_f64_bits(double x)
{
    uint64_t u;
    QQ_MEMCPY(&u, &x, sizeof u);
    return u;
}

QQI_INLINE double qqi_f64_of(uint64_t u)
{
    double x;
    QQ_MEMCPY(&x, &u, sizeof x);
    return x;
}

// The bits without the sign: they grow with the magnitude.
QQI_INLINE uint32_t qqi_f32_magnitude(float x)
{
    return qqi_f32_bits(x) & 0x7fffffffu;
}

QQI_INLINE uint64_t qqi_f64_magnitude(double x)
{
    return qqi_f64_bits(x) & ~((uint64_t)1 << 63);
}

// By bits, because a comparison with itself may be folded away.
QQI_INLINE int qqi_is_nan_f32(float x)
{
    return qqi_f32_magnitude(x) > (uint32_t)QQI_F32_INF;
}

QQI_INLINE int qqi_is_inf_f32(float x)
{
    return qqi_f32_magnitude(x) == (uint32_t)QQI_F32_INF;
}

QQI_INLINE int qqi_is_finite_f32(float x)
{
    return qqi_f32_magnitude(x) < (uint32_t)QQI_F32_INF;
}

QQI_INLINE int qqi_is_nan_f64(double x)
{
    return qqi_f64_magnitude(x) > (uint64_t)0x7ff << 52;
}

QQI_INLINE int qqi_is_inf_f64(double x)
{
    return qqi_f64_magnitude(x) == (uint64_t)0x7ff << 52;
}

QQI_INLINE int qqi_is_finite_f64(double x)
{
    return qqi_f64_magnitude(x) < (uint64_t)0x7ff << 52;
}

// The magnitude, of zeros and NaN too; bits, so it cannot be fused.
QQI_INLINE float qqi_abs_f32(float x)
{
    return qqi_f32_of(qqi_f32_magnitude(x));
}

QQI_INLINE double qqi_abs_f64(double x)
{
    return qqi_f64_of(qqi_f64_magnitude(x));
}

// x, but one NaN for all: sign and payload of a NaN that arithmetic made
// differ between machines.
QQI_INLINE float qqi_canon_f32(float x)
{
    return qqi_is_nan_f32(x) ? qqi_f32_of((uint32_t)QQI_F32_NAN) : x;
}

// Numbers in the machine's byte order at any address.
QQI_INLINE float qqi_load_f32(const void *p)
{
    float x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE double qqi_load_f64(const void *p)
{
    double x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE uint16_t qqi_load_u16(const void *p)
{
    uint16_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE int16_t qqi_load_i16(const void *p)
{
    int16_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE uint32_t qqi_load_u32(const void *p)
{
    uint32_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE int32_t qqi_load_i32(const void *p)
{
    int32_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE uint64_t qqi_load_u64(const void *p)
{
    uint64_t x;
    QQ_MEMCPY(&x, p, sizeof x);
    return x;
}

QQI_INLINE void qqi_store_f32(void *p, float x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_f64(void *p, double x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_u16(void *p, uint16_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_i16(void *p, int16_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_u32(void *p, uint32_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_i32(void *p, int32_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

QQI_INLINE void qqi_store_u64(void *p, uint64_t x)
{
    QQ_MEMCPY(p, &x, sizeof x);
}

// Little-endian, whatever the machine.
QQI_INLINE uint16_t qqi_load_le16(const void *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint16_t)(b[0] | b[1] << 8);
}

QQI_INLINE uint32_t qqi_load_le32(const void *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
           (uint32_t)b[3] << 24;
}

QQI_INLINE uint64_t qqi_load_le64(const void *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return qqi_load_le32(b) | (uint64_t)qqi_load_le32(b + 4) << 32;
}

QQI_INLINE void qqi_store_le16(void *p, uint16_t x)
{
    uint8_t *b = (uint8_t *)p;
    b[0] = (uint8_t)(x & 255);
    b[1] = (uint8_t)(x >> 8);
}

QQI_INLINE void qqi_store_le32(void *p, uint32_t x)
{
    uint8_t *b = (uint8_t *)p;
    b[0] = (uint8_t)(x & 255);
    b[1] = (uint8_t)(x >> 8 & 255);
    b[2] = (uint8_t)(x >> 16 & 255);
    b[3] = (uint8_t)(x >> 24);
}

QQI_INLINE void qqi_store_le64(void *p, uint64_t x)
{
    uint8_t *b = (uint8_t *)p;
    qqi_store_le32(b, (uint32_t)(x & 0xffffffffu));
    qqi_store_le32(b + 4, (uint32_t)(x >> 32));
}

// *out = a * b; 0, and *out unchanged, where that is beyond size_t. Factors of
// half the bits cannot be: that spares the division.
QQI_INLINE int qqi_mul_size(size_t a, size_t b, size_t *out)
{
    const unsigned half = sizeof(size_t) * 4;

    if ((a | b) >> half != 0 && a != 0 && b > SIZE_MAX / a)
        return 0;
    *out = a * b;
    return 1;
}

// *out = a + b; 0, and *out unchanged, where that is beyond size_t.
QQI_INLINE int qqi_add_size(size_t a, size_t b, size_t *out)
{
    if (b > SIZE_MAX - a)
        return 0;
    *out = a + b;
    return 1;
}

#endif // QQUANT_NUM_BITS_H
