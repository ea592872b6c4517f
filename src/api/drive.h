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
    QQ_PROPAGATION_QEP = 4 // the original's: see qq_onebit_adjust
} qq_propagation;

// Make one with qq_recipe_init: what has proved best at that many bits. Every
// member may be changed; some are for one quantizer alone.
typedef struct qq_recipe {
    uint32_t init;
    qq_quantizer quantizer; // FIT; NONE: the layer stays as it is
    qq_propagation propagation;
    qq_grid grid;             // FIT
    size_t tile;              // FIT: 0, a scale for a row
    int bias;                 // 1: moments are centred, and the bias corrected.
                              //    A layer without one gets one
    int rotate;               // 1: the input is rotated: see qq_rotation
    uint32_t seed;            //    of its signs
    size_t rotate_limit;      //    of its block; 0: none
    double lambda;            // damping; below 0: qq_hessian_lambda
    unsigned repeats;         // of a layer that sees its own output: 0
    qq_target_options target; // TARGET: alpha, rho, ridge
    double percdamp, perccorr; // QEP: .01, .5
    qq_fit_options fit;        // FIT
    qq_onebit_options onebit;  // ONEBIT
    qq_gptq_options gptq;      // GPTQ, RTN: the original's
} qq_recipe;

// bits 2 to 8: integers (half-steps at 2), by row or in tiles.
QQ_API qq_recipe qq_recipe_init(unsigned bits, size_t tile);
QQ_API qq_recipe qq_recipe_ternary(size_t tile);
QQ_API qq_recipe qq_recipe_planes(unsigned planes); // OneBit at its best

// Members that make no sense together: QQ_ERR_ARGUMENT.
QQ_API qq_status qq_recipe_check(const qq_recipe *r);

// --- layers ----------------------------------------------------------------

typedef struct qq_drive_layer {
    qq_layer name;  // and type, for the records
    size_t n;       // outputs
    size_t k;       // inputs
    const float *w; // n rows of k, ldw apart, of the float net
    size_t ldw;
    const float *bias; // n, or NULL
    size_t group;      // from 0 on, never falling, none left out
    int residual;      // 1: its output is added to a stream r: rows have r
    size_t recipe;     // which of d->recipes
} qq_drive_layer;

// Rows of a group's input. In a propagated group x is what the net quantized so
// far has there, x_float the same rows in the float net; else both are the
// float net's and x_float may be NULL. r: r of the float net minus r of the
// quantized one, n numbers a row, as it is just before the layer's output is
// added; NULL where no layer of the group has a residual.
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
// Anything but QQ_OK: the answer of inputs should be 1.
QQ_API qq_status qq_drive_rows(qq_drive_sink *sink, size_t group,
                               const qq_drive_rows_of *rows);

// A solved layer. All pointers are into the scratch, and gone after store.
typedef struct qq_drive_result {
    size_t layer;
    const qq_recipe *recipe;
    const float *v;    // n * k, what the weight has become, for inputs as they
                       // are: rotations are turned back
    const float *bias; // n; NULL: as it was
    // What v is made of, for packing; of a rotated layer that of the rotated
    // weight. NULL where the quantizer has none.
    const qq_fit *fit;
    const qq_onebit *onebit;
    const qq_rotation *rotation;
    const uint8_t *codes; // GPTQ, RTN: n * k, scales and zeros as they say
    const float *scales;
    const float *zeros;
    const qq_layer_record *record;
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
                     // nothing propagates: 1
    int errors; // 1: records have errors (the original's calc_quant_error):
                // 0. Those of the output on the calibration's inputs

    // Groups first to first + count - 1. propagated: 1 where rows need both
    // nets. Never asked of groups whose layers all stay as they are.
    int (*inputs)(void *user, size_t first, size_t count, int propagated,
                  qq_drive_sink *sink);
    int (*store)(void *user, const qq_drive_result *r);
    int (*loss)(void *user, double *loss);
    double (*seconds)(void *user); // a clock, for the records; NULL: 0
    void *user;

    qq_progress progress; // of layers; NULL
    void *progress_user;
    size_t parts; // of every step: 1
    qq_parallel_for parallel;
    void *parallel_user;
} qq_drive;

QQ_API qq_drive qq_drive_init(void);

// Bytes for the largest group; SIZE_MAX for what qq_drive_run refuses.
QQ_API size_t qq_drive_scratch_size(const qq_drive *d);

// Solves and stores every layer, in order. records: count, or NULL.
// QQ_ERR_ARGUMENT: options, groups, a callback that is missing; QQ_ERR_SHAPE;
// QQ_ERR_FORMAT: weights or rows that are not finite, or a layer whose moments
// cannot be factored; QQ_ERR_CANCELLED; QQ_ERR_SCRATCH. Layers stored before it
// fails stay stored; nothing of the one that fails is.
QQ_API qq_status qq_drive_run(const qq_drive *d, qq_layer_record *records,
                              void *scratch, size_t scratch_bytes);

// Settings chosen on data that the calibration does not hold: d runs with each
// of choices sets of recipes (d->recipe_count each, one set after another) in
// place of its own; loss is asked for after each. In the end the net is that of
// the least loss, of equal ones the first. losses (choices) may be NULL.
QQ_API qq_status qq_drive_choose(const qq_drive *d, size_t choices,
                                 const qq_recipe *sets, double *losses,
                                 size_t *best, qq_layer_record *records,
                                 void *scratch, size_t scratch_bytes);

// How much worse the model becomes when one layer alone is quantized:
// sensitivity[layer * choices + c] = loss with recipes[c] for that layer minus
// loss of the float net. Without propagation, whatever the recipes say. In the
// end every layer is the float one again (stored with v = w). For qq_allocate.
QQ_API qq_status qq_drive_measure(const qq_drive *d, size_t choices,
                                  const qq_recipe *recipes, double *sensitivity,
                                  void *scratch, size_t scratch_bytes);

#endif // QQUANT_API_DRIVE_H
