// Runs reference vectors through the library.
//
//     golden [-c NAME] [-u] [-x FILE] PATH...
//
// PATH: a file, or a folder with *.txt files in it and in the folders below.
// -c: only cases whose name contains NAME. -u: say which settings and inputs
// no checker looked at. -x: the list of named exceptions, instead of
// tests/golden/exceptions.txt.
//
// A case passes, fails, or is not covered, when no checker takes its call. It
// ends in 0 if nothing failed but the named exceptions, and something was run.

// Where off_t has 32 bits readdir gives up at what it cannot count.
#define _FILE_OFFSET_BITS 64

#include "checkers.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const struct golden_checker *const golden_tables[] = {GOLDEN_TABLES};

static golden_check golden_find_checker(const struct golden_case *c)
{
    for (size_t i = 0; i < sizeof golden_tables / sizeof *golden_tables; i++)
        for (const struct golden_checker *k = golden_tables[i]; k->call != NULL;
             k++)
            if (strcmp(k->family, c->family) == 0 &&
                strcmp(k->call, c->call) == 0)
                return k->check;
    return NULL;
}

// Runs the checker, then sees to it that nothing was left out.
static golden_verdict golden_run(struct golden_case *c)
{
    const golden_check check = golden_find_checker(c);

    if (check == NULL)
        return GOLDEN_UNCOVERED;
    check(c);
    if (c->not_covered && c->failures == 0)
        return GOLDEN_UNCOVERED;
    if (c->mode == GOLDEN_REFUSE) {
        if (c->refused == 0)
            golden_fail(c, "should have been refused");
        return c->failures == 0 ? GOLDEN_PASSED : GOLDEN_FAILED;
    }
    for (size_t i = 0; i < c->output_count; i++)
        if (!c->outputs[i].compared)
            golden_fail(c, "%s was not compared", c->outputs[i].out.name);
    for (size_t i = 0; i < c->text_count; i++)
        if (!c->texts[i].read)
            golden_fail(c, "text %s was not compared", c->texts[i].key);
    if (c->output_count + c->text_count == 0)
        golden_fail(c, "has nothing to compare");
    return c->failures == 0 ? GOLDEN_PASSED : GOLDEN_FAILED;
}

static void golden_run_file(struct golden_report *report, const char *path)
{
    struct golden_reader r;
    struct golden_case c;
    const char *file = golden_short_name(path);
    int status = 1;

    if (!golden_open(&r, path, file)) {
        golden_report_broken(report, r.error);
        golden_close(&r);
        return;
    }
    golden_report_file(report, file);
    while ((status = golden_next(&r, &c)) == 1) {
        if (report->only == NULL || strstr(c.name, report->only) != NULL)
            golden_report_case(report, &c, golden_run(&c));
        golden_free(&c);
    }
    golden_free(&c);
    if (status < 0)
        golden_report_broken(report, r.error);
    golden_report_file_end(report);
    golden_close(&r);
}

static int golden_compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Whether a name in a folder is to be looked at: not "exceptions.txt".
static int golden_is_vectors(const char *name)
{
    const size_t n = strlen(name);

    return n > 4 && strcmp(name + n - 4, ".txt") == 0 &&
           strcmp(name, "exceptions.txt") != 0;
}

static void golden_run_path(struct golden_report *report, const char *path,
                            int named);

static void golden_run_folder(struct golden_report *report, const char *path,
                              DIR *folder)
{
    char **names = NULL;
    size_t count = 0;

    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(folder);
        if (e == NULL)
            break;
        if (e->d_name[0] == '.')
            continue;
        const size_t bytes = strlen(path) + strlen(e->d_name) + 2;
        names = (char **)golden_memory(names, (count + 1) * sizeof *names);
        names[count] = (char *)golden_memory(NULL, bytes);
        const char *slash = path[strlen(path) - 1] == '/' ? "" : "/";
        snprintf(names[count++], bytes, "%s%s%s", path, slash, e->d_name);
    }
    if (errno != 0)
        golden_report_broken(report, "a folder cannot be listed");
    if (count != 0)
        qsort(names, count, sizeof *names, golden_compare_names);
    for (size_t i = 0; i < count; i++) {
        golden_run_path(report, names[i], 0);
        free(names[i]);
    }
    free(names);
}

// A file that somebody named is run whatever its name.
static void golden_run_path(struct golden_report *report, const char *path,
                            int named)
{
    DIR *folder = opendir(path);

    if (folder != NULL) {
        golden_run_folder(report, path, folder);
        closedir(folder);
        return;
    }
    const char *slash = strrchr(path, '/');
    if (named || golden_is_vectors(slash != NULL ? slash + 1 : path))
        golden_run_file(report, path);
}

static int golden_usage(void)
{
    fprintf(stderr, "usage: golden [-c NAME] [-u] [-x FILE] PATH...\n"
                    "  PATH  a file of reference vectors, or a folder\n"
                    "  -c    only cases whose name contains NAME\n"
                    "  -u    print settings and inputs nobody looked at\n"
                    "  -x    the list of named exceptions\n");
    return 2;
}

int main(int argc, char **argv)
{
    struct golden_report report;
    const char *exceptions = NULL;
    int i = 1;

    memset(&report, 0, sizeof report);
    for (; i < argc && argv[i][0] == '-'; i++) {
        const char option = argv[i][1];
        if (option == 'u')
            report.unread = 1;
        else if (option == 'c' && i + 1 < argc)
            report.only = argv[++i];
        else if (option == 'x' && i + 1 < argc)
            exceptions = argv[++i];
        else
            return golden_usage();
    }
    if (i >= argc)
        return golden_usage();
    golden_report_exceptions(&report, exceptions);
    for (; i < argc; i++)
        golden_run_path(&report, argv[i], 1);
    return golden_report_end(&report);
}
