// qquant floor 5: the head of statistics: which scales they belong to.
//
//   statistics: a head, then a struct qqi_stat for every scale
//
// in memory that need not be aligned, in the machine's byte order.

#ifndef QQUANT_ARRAY_STAT_HEAD_H
#define QQUANT_ARRAY_STAT_HEAD_H

#include "array/check.h"
#include "array/stat.h"

struct qqi_stat_head {
    uint32_t magic; // "qqst"
    uint32_t rank;
    uint64_t shape[QQ_MAX_RANK]; // of the scales; 0 beyond the rank
};

#define QQI_STAT_MAGIC 0x74737171u

// The head for arrays of a shape; the number of scales.
QQI_FN qq_status qqi_stat_head_make(struct qqi_stat_head *h, const qq_scheme *s,
                                    unsigned rank, const size_t *shape,
                                    size_t *tile, size_t *tiles)
{
    size_t count[QQ_MAX_RANK];

    if (rank > QQ_MAX_RANK)
        return QQ_ERR_SHAPE;
    if (rank > 0 && shape == NULL)
        return QQ_ERR_ARGUMENT;
    const qq_status status = qqi_status_of_bad(qqi_check_axes(s, rank, shape));
    if (status != QQ_OK)
        return status;
    qqi_scheme_tiles(s, rank, shape, tile, count);
    QQ_MEMSET(h, 0, sizeof *h);
    h->magic = QQI_STAT_MAGIC;
    h->rank = rank;
    for (unsigned a = 0; a < rank; a++)
        h->shape[a] = count[a];
    *tiles = qqi_shape_count(rank, count);
    return QQ_OK;
}

QQI_FN size_t qqi_stat_bytes(size_t tiles)
{
    size_t bytes = 0;

    if (tiles == SIZE_MAX ||
        !qqi_mul_size(tiles, sizeof(struct qqi_stat), &bytes) ||
        !qqi_add_size(bytes, sizeof(struct qqi_stat_head), &bytes))
        return SIZE_MAX;
    return bytes;
}

// The head of statistics that are there, and how many they are.
QQI_FN qq_status qqi_stat_head_read(const void *statistics, size_t bytes,
                                    struct qqi_stat_head *h, size_t *tiles)
{
    if (statistics == NULL)
        return QQ_ERR_ARGUMENT;
    if (bytes < sizeof *h)
        return QQ_ERR_SIZE;
    QQ_MEMCPY(h, statistics, sizeof *h);
    if (h->magic != QQI_STAT_MAGIC || h->rank > QQ_MAX_RANK)
        return QQ_ERR_FORMAT;
    *tiles = 1;
    for (unsigned a = 0; a < h->rank; a++) {
        if (h->shape[a] > SIZE_MAX ||
            !qqi_mul_size(*tiles, (size_t)h->shape[a], tiles))
            return QQ_ERR_FORMAT;
    }
    return bytes < qqi_stat_bytes(*tiles) ? QQ_ERR_SIZE : QQ_OK;
}

QQI_FN int qqi_stat_same_head(const struct qqi_stat_head *a,
                              const struct qqi_stat_head *b)
{
    int same = a->rank == b->rank;

    for (unsigned i = 0; i < QQ_MAX_RANK; i++)
        same = same && a->shape[i] == b->shape[i];
    return same;
}

#endif // QQUANT_ARRAY_STAT_HEAD_H
