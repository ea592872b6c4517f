// Settings of a case: see case.h.

#include "case.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *golden_set(struct golden_case *c, const char *key)
{
    for (size_t i = 0; i < c->setting_count; i++) {
        if (strcmp(c->settings[i].key, key) == 0) {
            c->settings[i].read = 1;
            return c->settings[i].value;
        }
    }
    return NULL;
}

int golden_is(struct golden_case *c, const char *key, const char *word)
{
    const char *value = golden_set(c, key);

    return value != NULL && strcmp(value, word) == 0;
}

// The value, NULL where it is absent or none.
static const char *golden_given(struct golden_case *c, const char *key)
{
    const char *value = golden_set(c, key);

    return value != NULL && strcmp(value, "none") == 0 ? NULL : value;
}

static int golden_read_wide(const char *text, int64_t *out)
{
    char *end;
    const char first = *text == '-' ? text[1] : *text;

    errno = 0;
    const long long v = strtoll(text, &end, 10);
    *out = v;
    return first >= '0' && first <= '9' && *end == '\0' && errno == 0;
}

int golden_read_int(const char *text, long *out)
{
    int64_t v;

    if (!golden_read_wide(text, &v) || v < LONG_MIN || v > LONG_MAX)
        return 0;
    *out = (long)v;
    return 1;
}

int golden_read_float(const char *text, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return *text != '\0' && *text != ' ' && *end == '\0';
}

int golden_yes(struct golden_case *c, const char *key, int absent)
{
    const char *value = golden_given(c, key);

    if (value == NULL)
        return absent;
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        golden_fail(c, "setting %s is neither yes nor no: %s", key, value);
    return strcmp(value, "yes") == 0;
}

long golden_int(struct golden_case *c, const char *key, long absent)
{
    const char *value = golden_given(c, key);
    long v = absent;

    if (value != NULL && !golden_read_int(value, &v))
        golden_fail(c, "setting %s is no integer: %s", key, value);
    return v;
}

int64_t golden_wide(struct golden_case *c, const char *key, int64_t absent)
{
    const char *value = golden_given(c, key);
    int64_t v = absent;

    if (value != NULL && !golden_read_wide(value, &v))
        golden_fail(c, "setting %s is no integer: %s", key, value);
    return v;
}

double golden_float(struct golden_case *c, const char *key, double absent)
{
    const char *value = golden_given(c, key);
    double v = absent;

    if (value != NULL && !golden_read_float(value, &v))
        golden_fail(c, "setting %s is no number: %s", key, value);
    return v;
}

// Copies the next word of *text, which ends at a blank or one of the marks,
// and moves *text behind it; 0 at the end. Longer words are cut.
static int golden_word_of(const char **text, const char *marks, char *out,
                          size_t size)
{
    const char *p = *text;
    size_t n = 0;

    while (*p == ' ')
        p++;
    if (*p == '\0')
        return 0;
    for (; *p != '\0' && *p != ' ' && strchr(marks, *p) == NULL; p++)
        if (n + 1 < size)
            out[n++] = *p;
    out[n] = '\0';
    *text = *p != '\0' ? p + 1 : p;
    return 1;
}

size_t golden_ints(struct golden_case *c, const char *key, long *out,
                   size_t max)
{
    const char *value = golden_given(c, key);
    const char *p = value;
    size_t n = 0;
    char word[32];

    if (value == NULL || strcmp(value, "empty") == 0)
        return 0;
    for (; golden_word_of(&p, ",", word, sizeof word); n++) {
        if (n == max || !golden_read_int(word, &out[n])) {
            golden_fail(c, "setting %s is no list of integers: %s", key, value);
            return 0;
        }
    }
    return n;
}

unsigned golden_shape(struct golden_case *c, const char *key, size_t *shape)
{
    const char *value = golden_given(c, key);
    const char *p = value;
    unsigned n = 0;
    char word[32];

    if (value == NULL || strcmp(value, "scalar") == 0)
        return 0;
    for (; golden_word_of(&p, ",x", word, sizeof word); n++) {
        long size;
        if (n == GOLDEN_MAX_RANK || !golden_read_int(word, &size) || size < 0) {
            golden_fail(c, "setting %s is no shape: %s", key, value);
            return 0;
        }
        shape[n] = (size_t)size;
    }
    return n;
}

size_t golden_tiles(struct golden_case *c, const char *key,
                    struct golden_tile *out, size_t max)
{
    const char *value = golden_given(c, key);
    const char *p = value;
    size_t n = 0;
    char word[64];

    for (; value != NULL && golden_word_of(&p, ",", word, sizeof word); n++) {
        char *colon = strchr(word, ':');
        int ok = colon != NULL && n < max;
        if (ok) {
            *colon = '\0';
            out[n].size = 0;
            out[n].fraction = 0;
            ok = golden_read_int(word, &out[n].axis) &&
                 (strncmp(colon + 1, "0x", 2) == 0
                      ? golden_read_float(colon + 1, &out[n].fraction)
                      : golden_read_int(colon + 1, &out[n].size));
        }
        if (!ok) {
            golden_fail(c, "setting %s is no map of axes: %s", key, value);
            return 0;
        }
    }
    return n;
}

int golden_field(struct golden_case *c, const char *key, const char *word,
                 char *out, size_t size)
{
    const char *p = golden_set(c, key);
    char pair[256];

    while (p != NULL && golden_word_of(&p, "", pair, sizeof pair)) {
        const size_t n = strlen(word);
        if (strncmp(pair, word, n) == 0 && pair[n] == ':') {
            if (strlen(pair + n + 1) < size) {
                strcpy(out, pair + n + 1);
                return 1;
            }
            golden_fail(c, "setting %s: the value of %s is too long", key,
                        word);
        }
    }
    out[0] = '\0';
    return 0;
}

int golden_origin_has(const struct golden_case *c, const char *word)
{
    return strstr(c->origin, word) != NULL;
}

int golden_file_is(const struct golden_case *c, const char *prefix)
{
    const char *name = strrchr(c->file, '/');

    name = name != NULL ? name + 1 : c->file;
    return strncmp(name, prefix, strlen(prefix)) == 0;
}
