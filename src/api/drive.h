// qquant floor 1: the driver: a whole model, quantized layer by layer.
//
// The driver knows what to solve and in which order; the program knows its
// model. It names the layers in the order in which they work, says how each
// shall be quantized, and answers three questions:
//
//   inputs  run the calibration data, and hand over the rows that a group of
//           layers sees (qq_drive_rows, once for every batch);
//   store   a layer has new weights: put them into the net that is becoming
//           the quantized one (and pack them, write them, as you like);
//   loss    how good is that net now? (only qq_drive_choose and
//           qq_drive_measure ask)
//
//   qq_drive d = qq_drive_init();
//   d.layers = layers;
//   d.count = count;
//   d.recipes = &recipe;
//   d.recipe_count = 1;
//   d.inputs = run_my_net;
//   d.store = keep_my_layer;
//   d.user = &my_net;
//   size_t room = qq_drive_scratch_size(&d);
//   qq_drive_run(&d, records, scratch, room);
//
// Layers whose group is the same number share an input (query, key and value of
// an attention): its moments are gathered once. Calibration is parallel where
// every layer sees the inputs of the float net, and propagated where it sees
// those of the net quantized so far.
//
// Results do not depend on parts, nor on how many rows a call hands over.

#ifndef QQUANT_API_DRIVE_H
#define QQUANT_API_DRIVE_H

#include "api/model.h"

// --- how a layer is quantized ----------------------------------------------

// What a layer is calibrated on.
typedef enum qq_propagation {
    QQ_PROPAGATION_NONE = 1,  // inputs of the float net: parallel
    QQ_PROPAGATION_INPUT = 2, // inputs of the net quantized so far
    // The same, and the weight follows what the float net had there: see
    // qq_target. Rows need x_float, and r where a layer has a residual.
    QQ_PROPAGATION_TARGET = 3,
    // The original's: see qq_onebit_adjust. Rows need x_float. Layers that
    // qq_drive_corrects leaves alone have INPUT.
    QQ_PROPAGATION_QEP = 4
} qq_propagation;

// Make one with the calls below: what has proved best at that many bits. Every
// member may be changed; some are for one quantizer alone. Parts, threads and
// progress of the options in it are those of the drive, and not looked at here.
typedef struct qq_recipe {
    uint32_t init;
    qq_quantizer quantizer;     // FIT; NONE: the layer stays as it is
    qq_propagation propagation; // TARGET. Layers of a group see the same rows:
                                // NONE goes with no other, TARGET not with QEP
    qq_grid grid;               // FIT
    size_t tile;                // FIT: 0, a scale for a row
    int bias;            // 1: moments are centred, and the bias corrected: 1.
                         //    A layer without one gets one. Not with QEP
    int rotate;          // 1: the input is rotated: 0. Not with QEP
    uint32_t seed;       //    of its signs
    size_t rotate_limit; //    of its block; 0: none
    double lambda;       // damping; below 0: that of qq_hessian_lambda, and
                         // none where a quantizer of the original damps: -1
    unsigned repeats;    // of a layer that sees its own output, with inputs
                         // taken anew: 0. Not with NONE
    qq_target_options target;  // TARGET: alpha, rho, ridge
    double percdamp, perccorr; // QEP: .01, .5
    qq_fit_options fit;        // FIT: scales 3 up to 4 bits
    qq_onebit_options onebit;  // ONEBIT
    qq_gptq_options gptq;      // GPTQ, RTN: the original's
} qq_recipe;

// bits 2 to 8 (others give a recipe that is refused): integers with signed
// scales, at 2 half-steps, by row or in tiles.
QQ_API qq_recipe qq_recipe_init(unsigned bits, size_t tile);
QQ_API qq_recipe qq_recipe_ternary(size_t tile);

// OneBit at its best: 1 to 4 planes, a single one annealed.
QQ_API qq_recipe qq_recipe_planes(unsigned planes);

// What OneCompression's ONEBIT, GPTQ or RTN does by default, to compare with:
// parallel, no bias. H = 2 / N sum x x^T for these quantizers, whatever else
// the recipe says.
QQ_API qq_recipe qq_recipe_original(qq_quantizer quantizer);

// Members that make no sense together: QQ_ERR_ARGUMENT. QQ_ERR_UNSUPPORTED:
// more than 8 bits of GPTQ or RTN.
QQ_API qq_status qq_recipe_check(const qq_recipe *r);

// --- layers ----------------------------------------------------------------

// One of zeros, filled in.
typedef struct qq_drive_layer {
    qq_layer name;  // and type, for the records
    size_t n;       // outputs, from 1 on
    size_t k;       // inputs, from 1 on; of a group all the same
    const float *w; // n rows of k, ldw apart, of the float net
    size_t ldw;
    const float *bias; // n, or NULL
    size_t group;      // from 0 on, never falling, none left out
    int residual;      // 1: its output is added to a stream r: rows have r
    size_t recipe;     // which of d->recipes
    int beside; // 1: the input of its group does not depend on the group before
                // (channels of a depthwise layer, heads, experts): both are
                // gathered in one run also where errors propagate. That of the
                // group's first layer counts
} qq_drive_layer;

// Rows of a group's input. In a propagated group x is what the net quantized so
// far has there (with the layer itself as it is at that time), x_float the same
// rows in the float net; else x is the float net's and x_float not looked at,
// nor is it where all layers have INPUT. r: r of the float net minus r of the
// quantized one, n numbers a row, as it is just before the layer's output is
// added; only looked at where a layer of the group has a residual and TARGET
// (all such layers of a group have the same n).
typedef struct qq_drive_rows_of {
    size_t count;
    const float *x;
    size_t ldx;
    const float *x_float;
    size_t ldx_float;
    const float *r;
    size_t ldr;
} qq_drive_rows_of;

// What qq_drive_rows needs to know; the program only passes it on.
typedef struct qq_drive_sink qq_drive_sink;

// Adds rows to the moments of a group, which must be one that was asked for.
// Anything but QQ_OK is what the whole call will answer; the answer of inputs
// should then be 1. QQ_ERR_ARGUMENT: another group, NULL; QQ_ERR_SHAPE: strides
// too short; QQ_ERR_FORMAT: numbers that are not finite.
QQ_API qq_status qq_drive_rows(qq_drive_sink *sink, size_t group,
                               const qq_drive_rows_of *rows);

// A solved layer, or one that becomes the float one again (qq_drive_choose,
// qq_drive_measure): then all but layer and v is NULL. All pointers but recipe
// are into the scratch, and gone after store.
typedef struct qq_drive_result {
    size_t layer;
    const qq_recipe *recipe;
    const float *v;    // n * k, what the weight has become, for inputs as they
                       // are: rotations are turned back
    const float *bias; // n; NULL: that of the float net, or none
    // What v is made of, for packing; of a rotated layer that of the rotated
    // weight. NULL where the quantizer has none.
    const qq_fit *fit;
    const qq_onebit *onebit;
    const qq_rotation *rotation;
    const uint8_t *codes; // GPTQ, RTN: n * k, scales and zeros as they say
    const float *scales;
    const float *zeros;
    const uint32_t *order;         // GPTQ: k, the column at each place
    const qq_layer_record *record; // NULL only with recipe
} qq_drive_result;

// --- the drive -------------------------------------------------------------

// Make one with qq_drive_init. Callbacks answer 0 to go on; anything else ends
// the call with QQ_ERR_CANCELLED.
typedef struct qq_drive {
    uint32_t init;
    size_t count;
    const qq_drive_layer *layers;
    size_t recipe_count;
    const qq_recipe *recipes;
    size_t together; // groups that one run of the data may be asked for, where
                     // nothing propagates: 1. All their moments are in memory
    int errors; // 1: records have errors (the original's calc_quant_error): 0.
                // Of v against w (QEP: what w was corrected to), the output's
                // on the inputs that the layer was solved with

    // Rows of groups first to first + count - 1. propagated: 0 where x is the
    // float net's. Once a group, and once more for each of its repeats; never
    // of groups whose layers all stay as they are, or are RTN without bias,
    // errors and propagation.
    int (*inputs)(void *user, size_t first, size_t count, int propagated,
                  qq_drive_sink *sink);
    int (*store)(void *user, const qq_drive_result *r);
    int (*loss)(void *user, double *loss);
    double (*seconds)(void *user); // a clock; NULL: 0. Records have the time of
                                   // solving alone, the last one of repeats
    void *user;

    qq_progress progress; // of layers, also while one is solved; NULL
    void *progress_user;
    size_t parts; // of every step: 1
    qq_parallel_for parallel;
    void *parallel_user;
} qq_drive;

QQ_API qq_drive qq_drive_init(void);

// Bytes for the largest group; SIZE_MAX for what qq_drive_run refuses. With n =
// k = 4096 and the default recipe it is 643 MiB, 835 with a residual, 405 where
// nothing propagates.
QQ_API size_t qq_drive_scratch_size(const qq_drive *d);

// Solves and stores every layer, in order. The net is the float one before.
// records: count, or NULL; those of layers that stay as they are have NaN for
// errors. QQ_ERR_ARGUMENT: options, groups, a callback that is missing;
// QQ_ERR_SHAPE: sizes of 0, of a group that differ, no rows at all;
// QQ_ERR_FORMAT: weights, biases or rows that are not finite, or a layer whose
// moments cannot be factored; QQ_ERR_SIZE; QQ_ERR_CANCELLED; QQ_ERR_SCRATCH.
// Layers stored before it fails stay stored; nothing of the one that fails is.
QQ_API qq_status qq_drive_run(const qq_drive *d, qq_layer_record *records,
                              void *scratch, size_t scratch_bytes);

// Settings chosen on data that the calibration does not hold: d runs with each
// of choices sets of recipes (d->recipe_count each, one set after another) in
// place of its own; loss is asked for after each. Between two runs every layer
// that was stored becomes the float one again. In the end the net is that of
// the least loss, of equal ones the first (it runs again, unless it was the
// last; progress counts that run in). losses (choices), best and records (of
// the net that stays) may be NULL. As above, and QQ_ERR_FORMAT: a loss that is
// NaN.
QQ_API size_t qq_drive_choose_scratch_size(const qq_drive *d, size_t choices,
                                           const qq_recipe *sets);
QQ_API qq_status qq_drive_choose(const qq_drive *d, size_t choices,
                                 const qq_recipe *sets, double *losses,
                                 size_t *best, qq_layer_record *records,
                                 void *scratch, size_t scratch_bytes);

// How much worse the model becomes when one layer alone is quantized:
// sensitivity[layer * choices + c] = loss with recipes[c] for that layer minus
// loss of the float net; 0 for NONE. Without propagation, whatever the recipes
// say. In the end every layer is the float one again; where the call fails, one
// may not be. As above, and QQ_ERR_FORMAT: a loss of the float net that is not
// finite.
QQ_API size_t qq_drive_measure_scratch_size(const qq_drive *d, size_t choices,
                                            const qq_recipe *recipes);
QQ_API qq_status qq_drive_measure(const qq_drive *d, size_t choices,
                                  const qq_recipe *recipes, double *sensitivity,
                                  void *scratch, size_t scratch_bytes);

// --- a recipe for every layer ----------------------------------------------

// Gives that recipe to the layers that should keep 8 bits (qq_keeps_8_bits),
// and leaves the others alone. depthwise: 1 for those that are, count, or NULL:
// none.
QQ_API qq_status qq_drive_keep(size_t count, qq_drive_layer *layers,
                               const int *depthwise, size_t recipe);

// Gives every layer one of the choices that were measured (d->recipes must then
// be these), so that the weights have at most budget bits in the mean: see
// qq_allocate. bits: choices, of a weight, scales and all.
QQ_API size_t qq_drive_allocate_scratch_size(size_t count, size_t units);
QQ_API qq_status qq_drive_allocate(size_t count, qq_drive_layer *layers,
                                   size_t choices, const double *bits,
                                   const double *sensitivity, double budget,
                                   size_t units, void *scratch,
                                   size_t scratch_bytes);

#endif // QQUANT_API_DRIVE_H
