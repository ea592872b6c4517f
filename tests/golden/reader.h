// The reader of reference vectors: README.md describes the format.
//
// One pass over a file, a case at a time. What the format does not allow is
// an error that names file and line, and ends the reading of that file.

#ifndef QQUANT_TESTS_GOLDEN_READER_H
#define QQUANT_TESTS_GOLDEN_READER_H

#include <stddef.h>
#include <stdint.h>

#include "qquant.h"

#define GOLDEN_MAX_RANK 16

typedef enum golden_mode {
    GOLDEN_NO_MODE = 0,
    GOLDEN_EXACT = 1,
    GOLDEN_EITHER = 2,
    GOLDEN_NEAR = 3,
    GOLDEN_REFUSE = 4
} golden_mode;

typedef enum golden_kind {
    GOLDEN_INT = 1,  // i1 to i64: bits hold the number, sign-extended
    GOLDEN_UINT = 2, // u1 to u64
    GOLDEN_BOOL = 3, // 0 or 1
    GOLDEN_FLOAT = 4 // the bits of a float of any width
} golden_kind;

// What a float's largest exponent means.
typedef enum golden_special {
    GOLDEN_IEEE = 1,      // infinities and NaN
    GOLDEN_ONE_NAN = 2,   // NaN where all bits are ones ("fn", e8m0)
    GOLDEN_MINUS_NAN = 3, // NaN is what would be -0 ("fnuz")
    GOLDEN_FINITE = 4     // neither
} golden_special;

struct golden_type {
    char name[16];
    golden_kind kind;
    unsigned bits;
    unsigned exponent; // floats: bits of the exponent, of the mantissa,
    unsigned mantissa; // what is subtracted from the exponent, and the rest
    int bias;
    golden_special special;
    qq_type qq; // the library's type, QQ_TYPE_NONE where it has none
};

struct golden_array {
    char *name;
    struct golden_type type;
    unsigned rank;
    size_t shape[GOLDEN_MAX_RANK];
    size_t count;
    uint64_t *bits; // one word an element
    int read;       // a checker looked at it
};

struct golden_output {
    struct golden_array out;
    struct golden_array other; // mode either
    struct golden_array bound; // mode near
    int has_other;
    int has_bound;
    int compared;
};

// A line "set key value" or "text key value".
struct golden_word {
    char *key;
    char *value;
    int read; // a setting: looked at; a text: compared, or taken as input
};

struct golden_case {
    const char *file;   // "folder/file.txt", as it is printed
    const char *origin; // the rest of the origin line
    const char *family; // random, qwix, aqt, bits, array1b, bnb, onebit
    int line;           // where it begins
    char *name;
    char *call;
    golden_mode mode;
    struct golden_word *settings;
    size_t setting_count;
    struct golden_word *texts;
    size_t text_count;
    struct golden_array *inputs;
    size_t input_count;
    struct golden_output *outputs;
    size_t output_count;

    // What the checker found: written by the functions of case.h.
    int not_covered;
    int refused; // how many calls refused, in mode refuse
    unsigned failures;
    char reason[512]; // of the first failure
    void **memory;    // freed with the case
    size_t memory_count;
};

struct golden_reader {
    const char *path;
    const char *file;
    char family[16];
    char *origin;
    char *text;
    size_t size;
    size_t at;
    int line;
    char **names; // of the cases so far, which must differ
    size_t name_count;
    char error[512];
};

// Opens a file; 0, and the reason in r->error, if that fails. file is what is
// printed for it; both strings must outlive the reader.
int golden_open(struct golden_reader *r, const char *path, const char *file);

// The next case: 1; at the end 0; -1 where the file is malformed, with
// "path:line: what is wrong" in r->error. A case must be freed.
int golden_next(struct golden_reader *r, struct golden_case *c);

void golden_free(struct golden_case *c);
void golden_close(struct golden_reader *r);

// malloc and realloc that end the program when there is no memory.
void *golden_memory(void *old, size_t bytes);

// The type of a name; 0 if there is none.
int golden_type_of(const char *name, struct golden_type *type);

#endif // QQUANT_TESTS_GOLDEN_READER_H
