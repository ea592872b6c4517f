// The smallest pool of threads that serves short products: workers spin for a
// while after each piece of work, then sleep. pool_for is a qq_parallel_for.

#ifndef QQUANT_BENCH_POOL_H
#define QQUANT_BENCH_POOL_H

#include <pthread.h>
#include <sched.h>
#include <stddef.h>

enum { POOL_MOST = 64, POOL_SPINS = 20000 };

typedef struct pool {
    pthread_t worker[POOL_MOST];
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int threads; // the caller's among them
    int asleep;
    unsigned round;
    int left; // workers that are not through with this round
    size_t parts;
    size_t next;
    void (*part)(void *arg, size_t i);
    void *arg;
} pool;

static inline void pool_pause(int spin)
{
    if (spin % 512 == 511)
        sched_yield();
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static inline void pool_work(pool *p)
{
    for (;;) {
        const size_t i = __atomic_fetch_add(&p->next, 1, __ATOMIC_RELAXED);
        if (i >= p->parts)
            return;
        p->part(p->arg, i);
    }
}

static inline unsigned pool_wait(pool *p, unsigned seen)
{
    for (int spin = 0; spin < POOL_SPINS; spin++) {
        const unsigned now = __atomic_load_n(&p->round, __ATOMIC_ACQUIRE);
        if (now != seen)
            return now;
        pool_pause(spin);
    }
    pthread_mutex_lock(&p->lock);
    __atomic_fetch_add(&p->asleep, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&p->round, __ATOMIC_SEQ_CST) == seen)
        pthread_cond_wait(&p->wake, &p->lock);
    __atomic_fetch_sub(&p->asleep, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&p->lock);
    return __atomic_load_n(&p->round, __ATOMIC_ACQUIRE);
}

static inline void *pool_worker(void *user)
{
    pool *p = (pool *)user;
    unsigned seen = 0;

    for (;;) {
        seen = pool_wait(p, seen);
        pool_work(p);
        __atomic_fetch_sub(&p->left, 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

// Calls part(arg, i) for every i below parts, on all threads of the pool.
static inline void pool_for(void *user, size_t parts,
                            void (*part)(void *arg, size_t i), void *arg)
{
    pool *p = (pool *)user;

    p->parts = parts;
    p->part = part;
    p->arg = arg;
    p->next = 0;
    p->left = p->threads - 1;
    __atomic_fetch_add(&p->round, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&p->asleep, __ATOMIC_SEQ_CST) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
    pool_work(p);
    for (int spin = 0; __atomic_load_n(&p->left, __ATOMIC_ACQUIRE) > 0; spin++)
        pool_pause(spin);
}

// Starts threads - 1 workers, which end with the process.
static inline void pool_start(pool *p, int threads)
{
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    p->threads = threads < POOL_MOST ? threads : POOL_MOST;
    p->asleep = 0;
    p->round = 0;
    for (int i = 0; i < p->threads - 1; i++)
        if (pthread_create(&p->worker[i], NULL, pool_worker, p) != 0)
            p->threads = i + 1;
}

#endif // QQUANT_BENCH_POOL_H
