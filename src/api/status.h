// qquant floor 1: version and status.

#ifndef QQUANT_API_STATUS_H
#define QQUANT_API_STATUS_H

#include "base.h"

#define QQ_VERSION_MAJOR  0
#define QQ_VERSION_MINOR  1
#define QQ_VERSION_PATCH  0
#define QQ_VERSION_STRING "0.1.0"

// The version of the implementation that is linked, as
// major * 10000 + minor * 100 + patch. A program that was compiled against
// another header finds out by comparing it with the three macros.
QQ_API uint32_t qq_version(void);

// What every call that can fail returns. Arguments are checked in the order
// in which they stand, the same on every machine; unless a function says
// otherwise nothing has been written when the answer is not QQ_OK.
typedef enum qq_status {
    QQ_OK = 0,
    QQ_ERR_ARGUMENT = 1,     // NULL with bytes, an option that makes no sense
    QQ_ERR_TYPE = 2,         // a type that this call cannot take
    QQ_ERR_SHAPE = 3,        // shapes that do not fit each other
    QQ_ERR_AXIS = 4,         // an axis out of range, twice, or in two roles
    QQ_ERR_SCHEME = 5,       // a scheme that contradicts itself, the type or x
    QQ_ERR_SIZE = 6,         // an output buffer too small; a size beyond size_t
    QQ_ERR_SCRATCH = 7,      // scratch too small
    QQ_ERR_FORMAT = 8,       // bytes or text that are not what they should be
    QQ_ERR_VERSION = 9,      // a packed form newer than this library
    QQ_ERR_UNSUPPORTED = 10, // right, but not in this build or on this machine
    QQ_ERR_CANCELLED = 11    // the caller's callback asked to stop
} qq_status;

// A short English sentence for a person, never NULL; constant memory.
QQ_API const char *qq_status_string(qq_status status);

// The caller's threads. Calls part(arg, i) once for every i below parts, in
// any order, on any threads, and returns when all are done. Never nested.
// qquant starts no thread itself; where a call takes one of these, NULL means
// "here, one after another", and the result is the same to the bit.
typedef void (*qq_parallel_for)(void *user, size_t parts,
                                void (*part)(void *arg, size_t i), void *arg);

#endif // QQUANT_API_STATUS_H
