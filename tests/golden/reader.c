// The reader of reference vectors: see reader.h.

#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

// Part of a line.
struct golden_slice {
    const char *p;
    size_t n;
};

void *golden_memory(void *old, size_t bytes)
{
    void *p = realloc(old, bytes != 0 ? bytes : 1);

    if (p == NULL) {
        fprintf(stderr, "golden: no memory for %lu bytes\n",
                (unsigned long)bytes);
        exit(2);
    }
    return p;
}

// Room for one more member of an array that grows by doubling.
static void *golden_grow(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    return golden_memory(array, (count != 0 ? 2 * count : 1) * size);
}

static char *golden_copy(struct golden_slice s)
{
    char *out = (char *)golden_memory(NULL, s.n + 1);

    if (s.n != 0)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return out;
}

#if defined(__GNUC__) || defined(__clang__)
__attribute__((format(__printf__, 2, 3)))
#endif
static int
golden_wrong(struct golden_reader *r, const char *format, ...)
{
    va_list list;

    const int n =
        snprintf(r->error, sizeof r->error, "%.300s:%d: ", r->path, r->line);
    va_start(list, format);
    vsnprintf(r->error + n, sizeof r->error - (size_t)n, format, list);
    va_end(list);
    return -1;
}

// The next line without its end; 0 where there is none.
static int golden_line(struct golden_reader *r, struct golden_slice *line)
{
    if (r->at == r->size)
        return 0;
    const char *p = r->text + r->at;
    const char *end = (const char *)memchr(p, '\n', r->size - r->at);
    const size_t n = end != NULL ? (size_t)(end - p) : r->size - r->at;

    r->at += n + (end != NULL);
    r->line++;
    line->p = p;
    line->n = n > 0 && p[n - 1] == '\r' ? n - 1 : n;
    return 1;
}

// The first word; the rest begins after exactly one blank.
static struct golden_slice golden_split(struct golden_slice *line)
{
    struct golden_slice word = {line->p, 0};

    while (word.n < line->n && line->p[word.n] != ' ')
        word.n++;
    const size_t used = word.n + (word.n < line->n);
    line->p += used;
    line->n -= used;
    return word;
}

// The next word of several; its length is 0 at the end.
static struct golden_slice golden_next_word(struct golden_slice *line)
{
    while (line->n > 0 && *line->p == ' ') {
        line->p++;
        line->n--;
    }
    return golden_split(line);
}

static int golden_same(struct golden_slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

// "scalar", "3", "3x5", "0x3".
static int golden_read_shape(struct golden_slice s, struct golden_array *a)
{
    a->rank = 0;
    a->count = 1;
    if (golden_same(s, "scalar"))
        return 1;
    for (size_t i = 0; i < s.n; i++) {
        size_t size = 0;
        const size_t from = i;
        for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {
            if (size > (SIZE_MAX - 9) / 10)
                return 0;
            size = size * 10 + (size_t)(s.p[i] - '0');
        }
        if (i == from || (i < s.n && s.p[i] != 'x') || i + 1 == s.n ||
            a->rank == GOLDEN_MAX_RANK ||
            (size != 0 && a->count > SIZE_MAX / 8 / size))
            return 0;
        a->shape[a->rank++] = size;
        a->count *= size;
    }
    return a->rank != 0;
}

// "NAME TYPE SHAPE", then lines of values, to the first line of another kind.
static int golden_read_array(struct golden_reader *r, struct golden_slice rest,
                             struct golden_array *a)
{
    char type[16];
    memset(a, 0, sizeof *a);
    const struct golden_slice name = golden_next_word(&rest);
    const struct golden_slice word = golden_next_word(&rest);
    const struct golden_slice shape = golden_next_word(&rest);

    if (shape.n == 0 || golden_next_word(&rest).n != 0)
        return golden_wrong(r, "an array has a name, a type and a shape");
    snprintf(type, sizeof type, "%.*s", word.n < 16 ? (int)word.n : 15, word.p);
    if (word.n >= sizeof type || !golden_type_of(type, &a->type))
        return golden_wrong(r, "no element type: %.*s", (int)word.n, word.p);
    if (!golden_read_shape(shape, a))
        return golden_wrong(r, "no shape: %.*s", (int)shape.n, shape.p);
    a->name = golden_copy(name);

    size_t n = 0;
    for (;;) {
        struct golden_reader before = *r;
        struct golden_slice line;
        if (!golden_line(r, &line))
            break;
        if (line.n != 0 && *line.p != ' ') {
            r->at = before.at;
            r->line = before.line;
            break;
        }
        struct golden_slice v = golden_next_word(&line);
        for (; v.n != 0; v = golden_next_word(&line)) {
            if (n == a->count)
                return golden_wrong(r, "%s has more values than its shape",
                                    a->name);
            a->bits = (uint64_t *)golden_grow(a->bits, n, sizeof *a->bits);
            if (!golden_read_word(v.p, v.n, &a->type, &a->bits[n++]))
                return golden_wrong(r, "no value of type %s: %.*s",
                                    a->type.name, v.n < 99 ? (int)v.n : 99,
                                    v.p);
        }
    }
    if (n != a->count)
        return golden_wrong(r, "%s has %lu values, its shape wants %lu",
                            a->name, (unsigned long)n, (unsigned long)a->count);
    return 0;
}

static int golden_same_array(const struct golden_array *a,
                             const struct golden_array *b)
{
    if (a->name == NULL || b->name == NULL || strcmp(a->name, b->name) != 0 ||
        a->rank != b->rank)
        return 0;
    return a->rank == 0 ||
           memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0;
}

static int golden_add_input(struct golden_reader *r, struct golden_case *c,
                            struct golden_slice rest)
{
    c->inputs = (struct golden_array *)golden_grow(c->inputs, c->input_count,
                                                   sizeof *c->inputs);
    struct golden_array *a = &c->inputs[c->input_count++];

    if (golden_read_array(r, rest, a) != 0)
        return -1;
    for (size_t i = 0; i + 1 < c->input_count; i++)
        if (strcmp(c->inputs[i].name, a->name) == 0)
            return golden_wrong(r, "a second input %s", a->name);
    return 0;
}

static int golden_add_output(struct golden_reader *r, struct golden_case *c,
                             struct golden_slice rest)
{
    c->outputs = (struct golden_output *)golden_grow(
        c->outputs, c->output_count, sizeof *c->outputs);
    struct golden_output *o = &c->outputs[c->output_count++];

    memset(o, 0, sizeof *o);
    if (golden_read_array(r, rest, &o->out) != 0)
        return -1;
    for (size_t i = 0; i + 1 < c->output_count; i++)
        if (strcmp(c->outputs[i].out.name, o->out.name) == 0)
            return golden_wrong(r, "a second output %s", o->out.name);
    return 0;
}

// "other" and "bound" follow the "out" of their name.
static int golden_add_beside(struct golden_reader *r, struct golden_case *c,
                             struct golden_slice rest, int bound)
{
    const char *word = bound ? "bound" : "other";
    struct golden_output *o =
        c->output_count != 0 ? &c->outputs[c->output_count - 1] : NULL;

    if (o == NULL || (bound ? o->has_bound : o->has_other))
        return golden_wrong(r, "%s follows no output", word);
    struct golden_array *a = bound ? &o->bound : &o->other;
    *(bound ? &o->has_bound : &o->has_other) = 1;
    if (golden_read_array(r, rest, a) != 0)
        return -1;
    if (!golden_same_array(a, &o->out) ||
        strcmp(a->type.name, bound ? "f32" : o->out.type.name) != 0)
        return golden_wrong(r,
                            "%s %s has not name, type and shape of its "
                            "output",
                            word, a->name);
    return 0;
}

static int golden_add_word(struct golden_reader *r, struct golden_word **words,
                           size_t *count, struct golden_slice rest)
{
    const struct golden_slice key = golden_split(&rest);

    if (key.n == 0)
        return golden_wrong(r, "a key is missing");
    for (size_t i = 0; i < *count; i++)
        if (golden_same(key, (*words)[i].key))
            return golden_wrong(r, "a second %s", (*words)[i].key);
    *words = (struct golden_word *)golden_grow(*words, *count, sizeof **words);
    struct golden_word *w = &(*words)[(*count)++];
    w->key = golden_copy(key);
    w->value = golden_copy(rest);
    w->read = 0;
    return 0;
}

static int golden_add_mode(struct golden_reader *r, struct golden_case *c,
                           struct golden_slice rest)
{
    static const char *const modes[] = {"", "exact", "either", "near",
                                        "refuse"};

    if (c->mode != GOLDEN_NO_MODE)
        return golden_wrong(r, "a second mode");
    for (int i = 1; i <= GOLDEN_REFUSE; i++)
        if (golden_same(rest, modes[i]))
            c->mode = (golden_mode)i;
    if (c->mode == GOLDEN_NO_MODE)
        return golden_wrong(r, "no mode: %.*s", rest.n < 99 ? (int)rest.n : 99,
                            rest.p);
    return 0;
}

static int golden_add_call(struct golden_reader *r, struct golden_case *c,
                           struct golden_slice rest)
{
    if (c->call != NULL)
        return golden_wrong(r, "a second call");
    c->call = golden_copy(rest);
    return 0;
}

// What only the whole case shows.
static int golden_finish(struct golden_reader *r, struct golden_case *c)
{
    if (c->call == NULL || c->mode == GOLDEN_NO_MODE)
        return golden_wrong(r, "case %s has no %s", c->name,
                            c->call == NULL ? "call" : "mode");
    for (size_t i = 0; i < c->output_count; i++) {
        const struct golden_output *o = &c->outputs[i];
        if (o->has_other != (c->mode == GOLDEN_EITHER))
            return golden_wrong(r,
                                "output %s: an other belongs to mode "
                                "either",
                                o->out.name);
        if (o->has_bound && c->mode != GOLDEN_NEAR)
            return golden_wrong(r, "output %s: a bound belongs to mode near",
                                o->out.name);
    }
    return 1;
}

// The lines after "case NAME", to "end".
static int golden_read_case(struct golden_reader *r, struct golden_case *c)
{
    struct golden_slice line;

    while (golden_line(r, &line)) {
        int status = 0;
        if (line.n == 0)
            continue;
        if (*line.p == ' ') {
            if (golden_next_word(&line).n != 0)
                return golden_wrong(r, "values without an array");
            continue;
        }
        const struct golden_slice word = golden_split(&line);
        if (golden_same(word, "end"))
            return golden_finish(r, c);
        if (golden_same(word, "call"))
            status = golden_add_call(r, c, line);
        else if (golden_same(word, "mode"))
            status = golden_add_mode(r, c, line);
        else if (golden_same(word, "set"))
            status = golden_add_word(r, &c->settings, &c->setting_count, line);
        else if (golden_same(word, "text"))
            status = golden_add_word(r, &c->texts, &c->text_count, line);
        else if (golden_same(word, "in"))
            status = golden_add_input(r, c, line);
        else if (golden_same(word, "out"))
            status = golden_add_output(r, c, line);
        else if (golden_same(word, "other") || golden_same(word, "bound"))
            status = golden_add_beside(r, c, line, *word.p == 'b');
        else if (!golden_same(word, "note") && !golden_same(word, "error"))
            status = golden_wrong(r, "unknown word: %.*s",
                                  word.n < 99 ? (int)word.n : 99, word.p);
        if (status != 0)
            return status;
    }
    return golden_wrong(r, "case %s has no end", c->name);
}

static int golden_begin(struct golden_reader *r, struct golden_case *c,
                        struct golden_slice name)
{
    c->file = r->file;
    c->origin = r->origin;
    c->family = r->family;
    c->line = r->line;
    c->name = golden_copy(name);
    if (name.n == 0)
        return golden_wrong(r, "a case without a name");
    for (size_t i = 0; i < r->name_count; i++)
        if (golden_same(name, r->names[i]))
            return golden_wrong(r, "a second case %s", c->name);
    r->names = (char **)golden_grow(r->names, r->name_count, sizeof *r->names);
    r->names[r->name_count++] = golden_copy(name);
    return golden_read_case(r, c);
}

int golden_next(struct golden_reader *r, struct golden_case *c)
{
    struct golden_slice line;

    memset(c, 0, sizeof *c);
    while (golden_line(r, &line)) {
        if (line.n == 0)
            continue;
        const int blank = *line.p == ' ';
        const struct golden_slice word = golden_split(&line);
        if (blank && golden_next_word(&line).n == 0)
            continue;
        if (golden_same(word, "case"))
            return golden_begin(r, c, line);
        return golden_wrong(r, "%s: %.*s",
                            blank                         ? "values"
                            : golden_same(word, "origin") ? "a second origin"
                                                          : "outside a case",
                            word.n < 99 ? (int)word.n : 99, word.p);
    }
    return 0;
}
