// Opening a file of reference vectors (its bytes, its origin, its family), and
// freeing what was read.

#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The whole file; 0 if it cannot be read.
static int golden_load(struct golden_reader *r)
{
    FILE *f = fopen(r->path, "rb");
    size_t room = 1 << 16;

    if (f == NULL)
        return 0;
    r->text = (char *)golden_memory(NULL, room);
    for (;;) {
        const size_t n = fread(r->text + r->size, 1, room - r->size, f);
        r->size += n;
        if (n == 0)
            break;
        if (r->size == room)
            r->text = (char *)golden_memory(r->text, room *= 2);
    }
    const int ok = !ferror(f);
    fclose(f);
    return ok;
}

// Whose answers these are: by the first word of the origin, else by the
// folder and the file.
static const char *golden_family(const char *origin, const char *file)
{
    static const struct {
        const char *begin;
        const char *family;
    } origins[] =
        {
            {"jax ", "random"},       {"qwix ", "qwix"},
            {"aqtp ", "aqt"},         {"FJFormer ", "bits"},
            {"eformer ", "array1b"},  {"onecomp ", "onebit"},
            {"bitsandbytes ", "bnb"},
        },
      folders[] = {
          {"random/", "random"}, {"qwix/", "qwix"}, {"tflite/", "qwix"},
          {"aqt/bits-", "bits"}, {"aqt/", "aqt"},   {"array1b/", "array1b"},
          {"onebit/", "onebit"}, {"bnb/", "bnb"},
      };

    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        if (strncmp(origin, origins[i].begin, strlen(origins[i].begin)) == 0)
            return origins[i].family;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(file, folders[i].begin, strlen(folders[i].begin)) == 0)
            return folders[i].family;
    return "unknown";
}

int golden_open(struct golden_reader *r, const char *path, const char *file)
{
    memset(r, 0, sizeof *r);
    r->path = path;
    r->file = file;
    if (!golden_load(r)) {
        snprintf(r->error, sizeof r->error, "%.300s: cannot be read", path);
        return 0;
    }
    if (memchr(r->text, '\0', r->size) != NULL) {
        snprintf(r->error, sizeof r->error, "%.300s: holds a NUL", path);
        return 0;
    }
    static const char word[] = "origin ";
    size_t end = 0;
    while (end < r->size && r->text[end] != '\n')
        end++;
    if (end < sizeof word || memcmp(r->text, word, sizeof word - 1) != 0) {
        snprintf(r->error, sizeof r->error,
                 "%.300s:1: the first line names no origin", path);
        return 0;
    }
    const size_t from = sizeof word - 1;
    const size_t n = end - from - (r->text[end - 1] == '\r');
    r->origin = (char *)golden_memory(NULL, n + 1);
    memcpy(r->origin, r->text + from, n);
    r->origin[n] = '\0';
    snprintf(r->family, sizeof r->family, "%s", golden_family(r->origin, file));
    r->line = 1;
    r->at = end + (end < r->size);
    return 1;
}

void golden_close(struct golden_reader *r)
{
    for (size_t i = 0; i < r->name_count; i++)
        free(r->names[i]);
    free(r->names);
    free(r->origin);
    free(r->text);
    memset(r, 0, sizeof *r);
}

static void golden_free_array(struct golden_array *a)
{
    free(a->name);
    free(a->bits);
}

static void golden_free_words(struct golden_word *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(words[i].key);
        free(words[i].value);
    }
    free(words);
}

void golden_free(struct golden_case *c)
{
    for (size_t i = 0; i < c->input_count; i++)
        golden_free_array(&c->inputs[i]);
    for (size_t i = 0; i < c->output_count; i++) {
        golden_free_array(&c->outputs[i].out);
        golden_free_array(&c->outputs[i].other);
        golden_free_array(&c->outputs[i].bound);
    }
    for (size_t i = 0; i < c->memory_count; i++)
        free(c->memory[i]);
    golden_free_words(c->settings, c->setting_count);
    golden_free_words(c->texts, c->text_count);
    free(c->inputs);
    free(c->outputs);
    free(c->memory);
    free(c->name);
    free(c->call);
    memset(c, 0, sizeof *c);
}
