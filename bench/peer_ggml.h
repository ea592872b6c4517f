// ggml's CPU library as a peer, found at run time: the shared objects of the
// npm package @node-llama-cpp/linux-x64, driven through their C interface. The
// declarations are ours. The folder is that of ggml=PATH, of $QQ_GGML, or the
// place under $QQ_PEERS that README.md names.

#ifndef QQUANT_BENCH_PEER_GGML_H
#define QQUANT_BENCH_PEER_GGML_H

#include "harness.h"

#include <dlfcn.h>
#include <stdbool.h>

typedef struct ggml_memory {
    size_t size;
    void *buffer;
    bool no_alloc;
} ggml_memory;

typedef struct ggml_traits {
    const char *name;
    int64_t block, interleave;
    size_t bytes;
    bool is_quantized;
    void (*to_float)(const void *x, float *y, int64_t count);
    void (*from_float)(const float *x, void *y, int64_t count);
} ggml_traits;

// Result, name, arguments; of libggml-base.so.
#define GGML_CALLS(X)                                                          \
    X(void *, init, (ggml_memory))                                             \
    X(void, free, (void *))                                                    \
    X(void *, new_tensor_2d, (void *, int, int64_t, int64_t))                  \
    X(void *, mul_mat, (void *, void *, void *))                               \
    X(void *, relu, (void *, void *))                                          \
    X(void *, new_graph_custom, (void *, size_t, bool))                        \
    X(void, build_forward_expand, (void *, void *))                            \
    X(void *, backend_alloc_ctx_tensors, (void *, void *))                     \
    X(void *, backend_alloc_ctx_tensors_from_buft, (void *, void *))           \
    X(void *, backend_buffer_get_base, (void *))                               \
    X(size_t, backend_buffer_get_size, (void *))                               \
    X(void, backend_tensor_set, (void *, const void *, size_t, size_t))        \
    X(void, backend_tensor_get, (void *, void *, size_t, size_t))              \
    X(int, backend_graph_compute, (void *, void *))                            \
    X(void *, backend_reg_dev_get, (void *, size_t))                           \
    X(void *, backend_dev_init, (void *, const char *))                        \
    X(void *, backend_reg_get_proc_address, (void *, const char *))            \
    X(const char *, backend_buft_name, (void *))                               \
    X(size_t, quantize_chunk,                                                  \
      (int, const float *, void *, int64_t, int64_t, int64_t, const float *))  \
    X(size_t, row_size, (int, int64_t))                                        \
    X(const char *, type_name, (int))                                          \
    X(const ggml_traits *, get_type_traits, (int))                             \
    X(void, log_set, (void (*)(int, const char *, void *), void *))

#define GGML_MEMBER(result, name, arguments) result(*name) arguments;
static struct {
    GGML_CALLS(GGML_MEMBER)
    void *(*backend_load)(const char *path);
    void *backend, *repack, *amx;
} ggml;

static inline int ggml_find(void *library, const char *name, void *member)
{
    char whole[64];
    void *call;

    snprintf(whole, sizeof whole, "ggml_%s", name);
    call = library ? dlsym(library, whole) : NULL;
    if (call == NULL)
        fprintf(stderr, "ggml: no %s, skipped\n", library ? whole : "library");
    memcpy(member, &call, sizeof call);
    return call != NULL;
}

static inline void ggml_quiet(int level, const char *text, void *user)
{
    (void)level;
    (void)text;
    (void)user;
}

static inline void *ggml_library(const char *folder, const char *name)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}

// The folder with the shared objects, in room for 1024 bytes.
static inline void ggml_folder(char *folder)
{
    const char *said = word_of("ggml", getenv("QQ_GGML"));
    const char *peers = getenv("QQ_PEERS");

    if (said)
        snprintf(folder, 1024, "%s", said);
    else
        snprintf(folder, 1024,
                 "%s/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64",
                 peers ? peers : ".");
}

// The buffers that repack weights, where the library has them.
static inline void ggml_buffers(void *reg, void *device)
{
    void **(*extra)(void *);
    void *p = ggml.backend_reg_get_proc_address(
        reg, "ggml_backend_dev_get_extra_bufts");
    void **list;

    memcpy(&extra, &p, sizeof p);
    list = p ? extra(device) : NULL;
    for (; list && *list; list++) {
        const char *name = ggml.backend_buft_name(*list);
        if (strcmp(name, "CPU_REPACK") == 0)
            ggml.repack = *list;
        if (strcmp(name, "AMX") == 0)
            ggml.amx = *list;
    }
}

// Opens the library built for a kind of processor ("haswell", "zen4", ...).
// 0, after a word, where it cannot be had.
static inline int ggml_open(const char *variant, int threads)
{
    char folder[1024], path[1200];
    void *base, *front, *reg, *device, *p;
    void (*set_threads)(void *, int);
    int found = 1;

    ggml_folder(folder);
    base = ggml_library(folder, "libggml-base.so");
    front = ggml_library(folder, "libggml.so");
    if (front == NULL)
        front = ggml_library(folder, "libggml.v0.5.0.so");
#define GGML_FIND(result, name, arguments)                                     \
    found = found && ggml_find(base, #name, &ggml.name);
    GGML_CALLS(GGML_FIND)
    if (!found || !ggml_find(front, "backend_load", &ggml.backend_load))
        return 0;
    ggml.log_set(ggml_quiet, NULL);
    snprintf(path, sizeof path, "%s/libggml-cpu-%s.so", folder, variant);
    reg = ggml.backend_load(path);
    if (reg == NULL) {
        fprintf(stderr, "ggml: no variant %s here, skipped\n", variant);
        return 0;
    }
    device = ggml.backend_reg_dev_get(reg, 0);
    ggml.backend = ggml.backend_dev_init(device, NULL);
    p = ggml.backend_reg_get_proc_address(reg, "ggml_backend_set_n_threads");
    memcpy(&set_threads, &p, sizeof p);
    if (p)
        set_threads(ggml.backend, threads);
    ggml_buffers(reg, device);
    return 1;
}

// The number of a type; -1 where this ggml has none of that name.
static inline int ggml_type_of(const char *name)
{
    for (int i = 0; i < 64; i++) {
        const char *known = ggml.type_name(i);
        if (known && strcmp(known, name) == 0)
            return i;
    }
    return -1;
}

#endif // QQUANT_BENCH_PEER_GGML_H
