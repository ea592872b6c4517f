// What the runner prints: see report.h.

#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *golden_short_name(const char *path)
{
    const char *name = path;
    int slashes = 0;

    for (const char *p = path + strlen(path); p != path; p--) {
        if ((p[-1] == '/' || p[-1] == '\\') && ++slashes == 2)
            return p;
        name = p - 1;
    }
    return name;
}

static char *golden_piece(const char *p, size_t n)
{
    char *out = (char *)golden_memory(NULL, n + 1);

    memcpy(out, p, n);
    out[n] = '\0';
    return out;
}

static void golden_add_exception(struct golden_report *r, const char *line)
{
    const size_t file = strcspn(line, " ");
    const size_t gap = file + strspn(line + file, " ");
    const size_t name = strcspn(line + gap, " ");
    const size_t reason = gap + name + strspn(line + gap + name, " ");

    if (line[reason] == '\0') {
        char error[256];
        snprintf(error, sizeof error,
                 "exception without file, case and reason: %.150s", line);
        golden_report_broken(r, error);
        return;
    }
    r->exceptions = (struct golden_exception *)golden_memory(
        r->exceptions, (r->exception_count + 1) * sizeof *r->exceptions);
    struct golden_exception *e = &r->exceptions[r->exception_count++];
    e->file = golden_piece(line, file);
    e->name = golden_piece(line + gap, name);
    e->reason = golden_piece(line + reason, strlen(line + reason));
}

void golden_report_exceptions(struct golden_report *r, const char *path)
{
    char line[1024];
    FILE *f = fopen(path != NULL ? path : "tests/golden/exceptions.txt", "r");

    if (f == NULL) {
        if (path != NULL)
            golden_report_broken(r, "the list of exceptions cannot be read");
        return;
    }
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] != '\0' && line[0] != '#')
            golden_add_exception(r, line);
    }
    fclose(f);
}

static const struct golden_exception *
golden_exception_of(const struct golden_report *r, const struct golden_case *c)
{
    for (size_t i = 0; i < r->exception_count; i++)
        if (strcmp(r->exceptions[i].file, c->file) == 0 &&
            strcmp(r->exceptions[i].name, c->name) == 0)
            return &r->exceptions[i];
    return NULL;
}

void golden_report_file(struct golden_report *r, const char *file)
{
    r->file = file;
    r->file_count = 0;
    r->file_passed = 0;
    r->file_failed = 0;
    r->file_uncovered = 0;
}

static void golden_add_gap(struct golden_report *r, const struct golden_case *c)
{
    for (size_t i = 0; i < r->gap_count; i++) {
        if (strcmp(r->gaps[i].family, c->family) == 0 &&
            strcmp(r->gaps[i].call, c->call) == 0) {
            r->gaps[i].count++;
            return;
        }
    }
    r->gaps = (struct golden_gap *)golden_memory(r->gaps, (r->gap_count + 1) *
                                                              sizeof *r->gaps);
    struct golden_gap *g = &r->gaps[r->gap_count++];
    snprintf(g->family, sizeof g->family, "%s", c->family);
    g->call = golden_piece(c->call, strlen(c->call));
    g->count = 1;
}

static void golden_print_unread(const struct golden_case *c)
{
    for (size_t i = 0; i < c->setting_count; i++)
        if (!c->settings[i].read)
            printf("unread: %s:%d %s: set %s\n", c->file, c->line, c->name,
                   c->settings[i].key);
    for (size_t i = 0; i < c->input_count; i++)
        if (!c->inputs[i].read)
            printf("unread: %s:%d %s: in %s\n", c->file, c->line, c->name,
                   c->inputs[i].name);
}

// A failure that the list names is no failure, and a pass that it names is:
// the list must not outlive its reasons.
static void golden_report_excepted(struct golden_report *r,
                                   const struct golden_case *c,
                                   const struct golden_exception *e, int passed)
{
    if (passed) {
        printf("FAIL %s:%d %s: passes, but the list of exceptions has it\n",
               c->file, c->line, c->name);
        r->failed++;
        r->file_failed++;
        return;
    }
    printf("exception: %s:%d %s: %s\n  because: %s\n", c->file, c->line,
           c->name, c->reason, e->reason);
    r->excepted++;
}

void golden_report_case(struct golden_report *r, const struct golden_case *c,
                        golden_verdict verdict)
{
    const struct golden_exception *e = golden_exception_of(r, c);

    r->count++;
    r->file_count++;
    if (verdict == GOLDEN_UNCOVERED) {
        r->uncovered++;
        r->file_uncovered++;
        golden_add_gap(r, c);
        return;
    }
    if (r->unread)
        golden_print_unread(c);
    if (e != NULL) {
        golden_report_excepted(r, c, e, verdict == GOLDEN_PASSED);
        return;
    }
    if (verdict == GOLDEN_PASSED) {
        r->passed++;
        r->file_passed++;
        return;
    }
    r->failed++;
    r->file_failed++;
    printf("FAIL %s:%d %s: %s\n", c->file, c->line, c->name, c->reason);
}

void golden_report_file_end(struct golden_report *r)
{
    printf("%s: %lu of %lu passed", r->file, r->file_passed, r->file_count);
    if (r->file_failed != 0)
        printf(", %lu failed", r->file_failed);
    if (r->file_uncovered != 0)
        printf(", %lu not covered", r->file_uncovered);
    printf("\n");
}

void golden_report_broken(struct golden_report *r, const char *error)
{
    printf("FAIL %s\n", error);
    r->broken++;
}

static int golden_compare_gaps(const void *a, const void *b)
{
    const struct golden_gap *p = (const struct golden_gap *)a;
    const struct golden_gap *q = (const struct golden_gap *)b;
    const int order = strcmp(p->family, q->family);

    return order != 0 ? order : strcmp(p->call, q->call);
}

int golden_report_end(struct golden_report *r)
{
    if (r->gap_count != 0)
        qsort(r->gaps, r->gap_count, sizeof *r->gaps, golden_compare_gaps);
    for (size_t i = 0; i < r->gap_count; i++) {
        printf("not covered: %5lu %s %s\n", r->gaps[i].count, r->gaps[i].family,
               r->gaps[i].call);
        free(r->gaps[i].call);
    }
    free(r->gaps);
    for (size_t i = 0; i < r->exception_count; i++) {
        free(r->exceptions[i].file);
        free(r->exceptions[i].name);
        free(r->exceptions[i].reason);
    }
    free(r->exceptions);
    if (r->broken != 0)
        printf("golden: %lu files or lists could not be read\n", r->broken);
    if (r->excepted != 0)
        printf("golden: %lu named exceptions\n", r->excepted);
    if (r->count == 0)
        printf("golden: no case was found\n");
    printf("golden: %lu of %lu passed, %lu failed, %lu not covered\n",
           r->passed, r->count, r->failed, r->uncovered);
    return r->failed != 0 || r->broken != 0 || r->count == 0;
}
