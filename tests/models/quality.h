// A real net as qq_drive sees it, and how good it is: what bench/quality.c and
// the tests of these models share. Every net of QQ_DATA fills one of these.

#ifndef QQUANT_TESTS_MODELS_QUALITY_H
#define QQUANT_TESTS_MODELS_QUALITY_H

#include "qquant.h"

enum { QUALITY_LAYERS = 288 };

// What nets hand their rows to: qq_drive_rows, unless a program wants them.
typedef qq_status quality_rows_call(qq_drive_sink *sink, size_t group,
                                    const qq_drive_rows_of *rows);
static quality_rows_call *quality_rows = qq_drive_rows;

typedef struct quality_net {
    const char *name; // "kws"
    const char *unit; // "%", "ppl", "bits/char", "dB"
    int rising;       // 1: more is better
    size_t count;
    qq_drive_layer layer[QUALITY_LAYERS]; // recipe: 0
    int keeps[QUALITY_LAYERS]; // 1: 8 bits under the cheap rule (the first
                               // layer, depthwise ones); 2: 8 bits by row,
                               // nearest codes, which reset does, too (the
                               // embedding, as it is the classifier)
    // Callbacks of qq_drive; user is NULL, a program has one net of a kind.
    int (*inputs)(void *user, size_t first, size_t count, int propagated,
                  qq_drive_sink *sink);
    int (*store)(void *user, const qq_drive_result *result);
    int (*loss)(void *user, double *loss); // of a held-out part of what is
                                           // there for calibration
    double (*judge)(double *kl); // of the quantized net on evaluation data: the
                                 // metric, and KL(float || quantized) in nats,
                                 // NaN where the net has no probabilities
    void (*reset)(void);         // every layer is the float one again
} quality_net;

// Each answers NULL where QQ_DATA (or its part of it) is not there.
const quality_net *quality_stories(const char *data);
const quality_net *quality_mnist(const char *data);
const quality_net *quality_lstm(const char *data);
const quality_net *quality_kws(const char *data);
const quality_net *quality_gomoku(const char *data);
const quality_net *quality_upconv(const char *data);

#endif // QQUANT_TESTS_MODELS_QUALITY_H
