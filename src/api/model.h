// qquant floor 1: whole models: which layers, which settings go together, how
// many bits for whom, and what is written down of it.
//
// The library does not run models: the program does, layer by layer or all at
// once, and hands rows of inputs to qq_moments_update. What OneCompression's
// runner decides around that stands here, with its defaults and its words.

#ifndef QQUANT_API_MODEL_H
#define QQUANT_API_MODEL_H

#include "api/onebit.h"

// --- layers ----------------------------------------------------------------

// A layer as its model names it. Strings end in a zero byte.
typedef struct qq_layer {
    const char *name; // "model.layers.0.mlp.down_proj"
    const char *type; // "Linear"
} qq_layer;

// A list of words: NULL is no list at all, which is not the same as an empty
// one.
typedef struct qq_words {
    const char *const *word;
    size_t count;
} qq_words;

// Make one with qq_selection_init, which has the original's defaults: all
// layers of type "Linear" but "lm_head" and those with
// "per_layer_model_projection" in their name.
typedef struct qq_selection {
    uint32_t init;
    qq_words include_names;    // whole names; no list: any
    qq_words include_keywords; // parts of names; no list: any
    qq_words exclude_names;    // must be a list
    qq_words exclude_keywords;
    qq_words types; // of layers
    long count;     // how many, in the model's order; -1: all
} qq_selection;

QQ_API qq_selection qq_selection_init(void);

// Indexes of the layers taken, in the model's order; selected holds count of
// them. Where a module's name (any beginning of a layer's, up to a dot) ends in
// "language_model" or "text_model", only what lies below the first such module
// is looked at. QQ_ERR_ARGUMENT: no list where there must be one, a negative
// count but -1; QQ_ERR_SHAPE: fewer layers than wanted.
QQ_API qq_status qq_select_layers(const qq_selection *s, size_t count,
                                  const qq_layer *layers, size_t *selected,
                                  size_t *taken);

// Models of several experts have routers, which stay as they are: for experts
// above 0 "router" becomes one of the words, unless it is. The list is then in
// room, which must have place for one word more. QQ_ERR_SIZE: it has not.
QQ_API qq_status qq_exclude_routers(size_t experts, qq_words *words,
                                    const char **room, size_t room_words);

// --- settings that go together ---------------------------------------------

typedef enum qq_quantizer {
    QQ_QUANTIZER_NONE = 0,
    QQ_QUANTIZER_ONEBIT = 1,
    QQ_QUANTIZER_RTN = 2, // the only one that needs no calibration
    QQ_QUANTIZER_GPTQ = 3,
    QQ_QUANTIZER_FIT = 4
} qq_quantizer;

// Make one with qq_drive_options_init: OneBit alone, errors not propagated.
typedef struct qq_drive_options {
    uint32_t init;
    qq_quantizer quantizer; // or a list of them, not both
    const qq_quantizer *quantizers;
    size_t quantizer_count;
    int has_list;       // 1: quantizers is a list, perhaps an empty one
    int propagate;      // 1: inputs come from the net quantized so far (QEP)
    int spread;         // 1: layers go to several machines at once
    size_t batch_size;  // sequences at a time; 0: all
    size_t group;       // layers that are calibrated together: 7
    double percdamp;    // QEP: .01
    double perccorr;    // QEP: .5
    qq_words unchanged; // QEP: words of layers not corrected: "mlp.down_proj"
} qq_drive_options;

QQ_API qq_drive_options qq_drive_options_init(void);

// The original's rules. A list needs a batch size and goes neither with
// propagation nor with spreading; propagation goes with neither spreading nor a
// batch size; spreading not with a batch size, and not with a quantizer that
// needs no calibration. QQ_ERR_TYPE: what is no quantizer; QQ_ERR_ARGUMENT.
QQ_API qq_status qq_drive_check(const qq_drive_options *o);

// 1 where a layer of this name is corrected for propagated errors.
QQ_API int qq_drive_corrects(const qq_drive_options *o, const char *name);

// --- bits for whom ---------------------------------------------------------

// A layer's weights, and what each choice costs it: bits of a weight, and how
// much worse the model becomes (a divergence that was measured with only this
// layer quantized, on data that the solver has not seen).
typedef struct qq_allocation {
    size_t weights;
    const double *bits;        // choices of them
    const double *sensitivity; // the same
} qq_allocation;

// chosen[i]: the choice of layer i, so that the sum of sensitivities is least
// while the bits of all weights are at most budget times their number. Exact up
// to units: the budget is cut into that many (2000 is plenty), each layer's
// bits rounded up to whole ones. QQ_ERR_SHAPE: no choice fits.
QQ_API size_t qq_allocate_scratch_size(size_t layers, size_t units);
QQ_API qq_status qq_allocate(size_t layers, size_t choices,
                             const qq_allocation *l, double budget,
                             size_t units, size_t *chosen, void *scratch,
                             size_t scratch_bytes);

// 1 where a layer should keep 8 bits: the first, the last, one whose groups
// have a single input channel (depthwise), and those with less than 2 % of all
// weights.
QQ_API int qq_keeps_8_bits(size_t index, size_t layers, size_t weights,
                           size_t all_weights, int depthwise);

// --- statistics ------------------------------------------------------------

// A layer that has been solved. Where errors were not computed they are NaN.
typedef struct qq_layer_record {
    const char *name;
    double seconds;
    qq_layer_errors errors;
} qq_layer_record;

// The original's file: JSON of four blanks a level, numbers with the shortest
// digits that read back, null for NaN. text: at most bytes bytes are written,
// without a zero behind; *length: how many there are in all, also where
// QQ_ERR_SIZE says that they did not fit (then nothing is written). text may be
// NULL if bytes is 0.
QQ_API qq_status qq_statistics_json(size_t count,
                                    const qq_layer_record *records, char *text,
                                    size_t bytes, size_t *length);

#endif // QQUANT_API_MODEL_H
