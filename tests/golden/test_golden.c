// The runner of reference vectors against vectors that are wrong: one that
// cannot fail would prove nothing.
//
// Its only checker echoes: it claims for the output y what the input got-y
// holds, so a case can say what the "library" answers.

#include "qquant.h"

#include <stdarg.h>
#include "check.h"

// A table of our own in place of checkers.h, and no words on stdout.
#define QQUANT_TESTS_GOLDEN_CHECKERS_H
#include "case.h"

typedef void (*golden_check)(struct golden_case *c);

struct golden_checker {
    const char *family;
    const char *call;
    golden_check check;
};

static void check_echo(struct golden_case *c);

static const struct golden_checker golden_self[] = {
    {"unknown", "echo", check_echo},
    {"array1b", "echo", check_echo},
    {NULL, NULL, NULL},
};

#define GOLDEN_TABLES golden_self

static char printed[1 << 16];
static size_t printed_bytes;

static int capture(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    const int n = vsnprintf(printed + printed_bytes,
                            sizeof printed - printed_bytes, format, list);
    va_end(list);
    if (n > 0 && printed_bytes + (size_t)n < sizeof printed)
        printed_bytes += (size_t)n;
    return n;
}

int golden_main(int argc, char **argv);

#define printf capture
#define main   golden_main
#include "claim.c"
#include "claim_array.c"
#include "golden.c"
#include "input.c"
#include "number.c"
#include "open.c"
#include "reader.c"
#include "report.c"
#include "setting.c"
#undef main
#undef printf

static void check_echo(struct golden_case *c)
{
    char name[64];

    if (golden_is(c, "covered", "no"))
        golden_not_covered(c);
    if (!golden_ok(c, (qq_status)golden_int(c, "status", 0)))
        return;
    for (size_t i = 0; i < c->output_count; i++) {
        const char *of = c->outputs[i].out.name;
        snprintf(name, sizeof name, "got-%s", of);
        const qq_tensor t = golden_has_input(c, "as-int3")
                                ? golden_input_as(c, name, QQ_TYPE_INT3)
                            : golden_has_input(c, "as-ternary")
                                ? golden_input_as(c, name, QQ_TYPE_TERNARY)
                                : golden_input(c, name);
        if (golden_has_input(c, name)) {
            if (golden_is(c, "flat", "yes"))
                golden_expect_flat(c, of, &t);
            else
                golden_expect_tensor(c, of, &t);
        }
    }
    if (golden_set(c, "say") != NULL)
        golden_expect_text(c, "t", golden_set(c, "say"));
    if (golden_set(c, "claim") != NULL)
        golden_expect_f32s(c, golden_set(c, "claim"), NULL, 0);
}

static const char *program;

// Runs the text as a file through the whole program.
static int run(const char *text, const char *exceptions)
{
    char path[1024], list[1024];
    char flag[] = "-x";
    char name[] = "golden";
    char *arguments[] = {name, flag, list, path, NULL};

    snprintf(path, sizeof path, "%s.txt", program);
    snprintf(list, sizeof list, "%s.list", program);
    FILE *f = fopen(path, "wb");
    FILE *g = fopen(list, "wb");
    if (f == NULL || g == NULL)
        exit(2);
    fputs(text, f);
    fputs(exceptions, g);
    fclose(f);
    fclose(g);
    printed_bytes = 0;
    printed[0] = '\0';
    const int status = golden_main(4, arguments);
    remove(path);
    remove(list);
    return status;
}

#define CASE "\ncase a\ncall echo\nmode "

// One case: whether it passes, and what is printed.
static void expect_of(const char *origin, const char *body, int passes,
                      const char *words, int line)
{
    char text[4096];

    snprintf(text, sizeof text, "origin %s\n" CASE "%s\nend\n", origin, body);
    const int status = run(text, "");
    const char *sum = passes ? "golden: 1 of 1 passed, 0 failed, 0 not covered"
                             : "golden: 0 of 1 passed, 1 failed, 0 not covered";
    const int ok = status == !passes && strstr(printed, sum) != NULL &&
                   (words == NULL || strstr(printed, words) != NULL);
    if (!CHECK(ok))
        printf("line %d: %s\n%s", line, body, printed);
}

#define PASSES(body)       expect_of("test 1", body, 1, NULL, __LINE__)
#define FAILS(body, words) expect_of("test 1", body, 0, words, __LINE__)

static void test_exact(void)
{
    PASSES("exact\nin got-y f32 2\n 3f800000 7fc00001\nout y f32 2\n 3f800000 "
           "ffffffff");
    FAILS("exact\nin got-y f32 2\n 3f800000 40000000\nout y f32 2\n 3f800000 "
          "40000001",
          "y[1]: wanted 40000001 (2.00000024), got 40000000 (2) (1 of 2");
    FAILS("exact\nin got-y f32 1\n 80000000\nout y f32 1\n 00000000",
          "y[0]: wanted 00000000");
    FAILS("exact\nin got-y f32 1\n 7fc00000\nout y f32 1\n 7f800000", "y[0]");
    FAILS("exact\nin got-y f32 1x2\n 00000000 00000000\nout y f32 2x1\n "
          "00000000 00000000",
          "wanted shape 2x1, got 1x2");
    PASSES("exact\nset flat yes\nin got-y f32 1x2\n 00000000 00000000\nout y "
           "f32 2x1\n 00000000 00000000");
    FAILS("exact\nset flat yes\nin got-y f32 3\n 00000000 00000000 00000000\n"
          "out y f32 2\n 00000000 00000000",
          "wanted 2 elements, got 3");
    FAILS("exact\nin got-y f16 1\n 0000\nout y f32 1\n 00000000",
          "wanted type");
    FAILS("exact\nin got-y f16 1\n 0000\nout y bf16 1\n 0000", "wanted type");
    FAILS("exact\nin got-y i32 1\n 0\nout y f32 1\n 00000000", "wanted type");
    FAILS("exact\nin got-y f32 1\n 00000000\nout y i32 1\n 0", "wanted type");
    FAILS("exact\nin got-y bool 1\n 0\nout y bool 1\n 0", "no tensor");
    PASSES("exact\nin got-y f32 0x3\nout y f32 0x3");
    FAILS("exact\nin got-y f32 0x3\nout y f32 0x4", "wanted shape 0x4");
    PASSES(
        "exact\nin got-y f32 scalar\n 3f800000\nout y f32 scalar\n 3f800000");
}

static void test_integers(void)
{
    PASSES("exact\nin got-y i4 3\n -8 7 -1\nout y i8 3\n -8 7 -1");
    FAILS("exact\nin got-y i4 3\n -8 7 -1\nout y i8 3\n -8 7 15",
          "y[2]: wanted 15, got -1");
    PASSES("exact\nin as-int3 i8 0\nin got-y i4 4\n -4 3 -1 2\nout y i4 4\n -4 "
           "3 -1 2");
    PASSES("exact\nin as-ternary i8 0\nin got-y i8 5\n -1 0 1 1 -1\nout y i8 "
           "5\n -1 0 1 1 -1");
    FAILS("exact\nin got-y e2m1 2\n 0f 01\nout y e2m1 2\n 07 01", "y[0]");
    PASSES("exact\nin got-y e4m3fn 2\n 7f 01\nout y e4m3fn 2\n ff 01");
    FAILS("exact\nin got-y e4m3 2\n 78 01\nout y e4m3 2\n f8 01", "y[0]");
    PASSES("exact\nin got-y f64 1\n 3ff0000000000000\nout y f64 1\n "
           "3ff0000000000000");
    FAILS("exact\nin got-y f64 1\n 3ff0000000000000\nout y f64 1\n "
          "3ff0000000000001",
          "y[0]");
}

static void test_either(void)
{
    const char *both = "either\nin got-y i8 2\n 1 2\nout y i8 2\n 1 1\nother y "
                       "i8 2\n 0 2";

    PASSES(both);
    FAILS("either\nin got-y i8 2\n 1 3\nout y i8 2\n 1 1\nother y i8 2\n 0 2",
          "y[1]: wanted 1 or 2, got 3");
    // Only array1b leaves the sign of zeros open, and not in mode exact.
    const char *zero = "either\nin got-y f32 1\n 80000000\nout y f32 1\n "
                       "00000000\nother y f32 1\n 3f800000";
    FAILS(zero, "y[0]");
    expect_of("eformer 0.0.90", zero, 1, NULL, __LINE__);
    expect_of("eformer 0.0.90",
              "exact\nin got-y f32 1\n 80000000\nout y f32 1\n 00000000", 0,
              "y[0]", __LINE__);
}

static void test_near(void)
{
    // Bounds: 0.5 and 0.
    const char *form = "near\nin got-y f32 2\n %s\nout y f32 2\n 3f800000 "
                       "%s\nbound y f32 2\n 3f000000 00000000";
    static const struct {
        const char *got, *want;
        int passes;
    } rows[] = {
        {"3fc00000 40000000", "40000000", 1},
        {"3f000000 40000000", "40000000", 1},
        {"3fc00001 40000000", "40000000", 0},
        {"3effffff 40000000", "40000000", 0},
        {"3f800000 40000001", "40000000", 0},
        {"3f800000 80000000", "00000000", 1},
        {"3f800000 7fc00000", "40000000", 0},
        {"7fc00000 40000000", "40000000", 0},
        {"7f800000 40000000", "40000000", 0},
        {"3f800000 ffc00000", "7fc00001", 1},
        {"3f800000 7f800000", "7f800000", 1},
        {"3f800000 ff800000", "7f800000", 0},
    };
    char body[512];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(body, sizeof body, form, rows[i].got, rows[i].want);
        expect_of("test 1", body, rows[i].passes, NULL, __LINE__);
    }
    PASSES("near\nin got-y i8 2\n 3 -2\nout y i8 2\n 2 -3\nbound y f32 2\n "
           "3f800000 3f800000");
    FAILS("near\nin got-y i8 2\n 4 -2\nout y i8 2\n 2 -3\nbound y f32 2\n "
          "3f800000 3f800000",
          "y[0]: wanted 2 within 3f800000");
    // Without a bound an output is exact.
    FAILS("near\nin got-y f32 1\n 80000000\nout y f32 1\n 00000000", "y[0]");
    FAILS("near\nin got-y f32 1\n 3f800000\nout y f32 1\n 3f800000\nbound y "
          "f32 1\n 00000000\nout z f32 1\n 00000000",
          "z was not compared");
}

static void test_refuse(void)
{
    PASSES("refuse\nset status 5");
    FAILS("refuse\nset status 0", "should have been refused");
    FAILS("exact\nset status 5\nin got-y i8 1\n 1\nout y i8 1\n 1", "refused");
}

static void test_forgotten(void)
{
    FAILS("exact\nout y i8 1\n 1", "y was not compared");
    FAILS("exact\nin got-y i8 1\n 1\nout y i8 1\n 1\nout z i8 1\n 1",
          "z was not compared");
    FAILS("exact\nin got-y i8 1\n 1\nout y i8 1\n 1\ntext t two words",
          "text t was not compared");
    PASSES("exact\nset say two words\ntext t two words");
    FAILS("exact\nset say two  words\ntext t two words", "t: wanted \"two w");
    FAILS("exact\nset say two words \ntext t two words", "t: wanted \"two w");
    FAILS("exact\nset say one\nin got-y i8 1\n 1\nout y i8 1\n 1", "no text t");
    FAILS("exact", "nothing to compare");
    FAILS("exact\nset claim z\nin got-y i8 1\n 1\nout y i8 1\n 1",
          "the case has no output z");
    FAILS("exact\nset status two\nin got-y i8 1\n 1\nout y i8 1\n 1",
          "setting status is no integer: two");
    FAILS("exact\nset covered no\nin got-y i8 1\n 2\nout y i8 1\n 1", "y[0]");
}

// Not covered: by the checker, and for want of one.
static void test_not_covered(void)
{
    CHECK(run("origin test 1\n" CASE "exact\nset covered no\nin got-y i8 1\n "
              "1\nout y i8 1\n 1\nend\n"
              "case b\ncall other call\nmode exact\nend\n"
              "case c\ncall other call\nmode exact\nend\n",
              "") == 0);
    CHECK(strstr(printed, "not covered:     1 unknown echo\n"
                          "not covered:     2 unknown other call\n"
                          "golden: 0 of 3 passed, 0 failed, 3 not covered\n"));
}

static void test_exceptions(void)
{
    char list[600];
    const char *bad = "origin test 1\n" CASE "exact\nin got-y i8 1\n 2\nout y "
                      "i8 1\n 1\nend\n";
    const char *good = "origin test 1\n" CASE "exact\nin got-y i8 1\n 1\nout y "
                       "i8 1\n 1\nend\n";
    char path[512];
    snprintf(path, sizeof path, "%.400s.txt", program);
    const char *file = golden_short_name(path);

    snprintf(list, sizeof list, "# why\n\n%s a for a good reason\n", file);
    CHECK(run(bad, "") == 1);
    CHECK(run(bad, list) == 0);
    CHECK(strstr(printed, "exception: ") && strstr(printed, "y[0]"));
    CHECK(strstr(printed, "for a good reason\n"));
    CHECK(strstr(printed, "golden: 0 of 1 passed, 0 failed, 0 not covered"));
    CHECK(run(good, list) == 1); // the list is out of date
    CHECK(run(good, "file.txt a without\n") == 0);
    CHECK(run(good, "file.txt a\n") == 1);
    CHECK(run(good, "file.txt\n") == 1);
}

static void test_malformed(void)
{
    static const struct {
        const char *text;
        const char *words;
    } bad[] = {
        {"", "names no origin"},
        {"origin\n", "names no origin"},
        {"case a\n", "names no origin"},
        {"origin x\norigin y\n", ":2: a second origin: origin"},
        {"origin x\ncall y\n", ":2: outside a case: call"},
        {"origin x\n 1 2\n", ":2: values"},
        {"origin x\ncase\n", ":2: a case without a name"},
        {"origin x\ncase a\n", "case a has no end"},
        {"origin x\ncase a\nend\n", "case a has no call"},
        {"origin x\ncase a\ncall b\nend\n", "case a has no mode"},
        {"origin x\ncase a\ncall b\ncall b\nend\n", "a second call"},
        {"origin x\ncase a\nmode exactly\nend\n", ":3: no mode: exactly"},
        {"origin x\ncase a\nmode exact\nmode exact\nend\n", "a second mode"},
        {"origin x\ncase a\ncase b\nend\n", ":3: unknown word: case"},
        {"origin x\ncase a\ninput x f32 1\n", ":3: unknown word: input"},
        {"origin x\ncase a\n 1 2\n", ":3: values without an array"},
        {"origin x\ncase a\nset\n", "a key is missing"},
        {"origin x\ncase a\nset k 1\nset k 2\n", ":4: a second k"},
        {"origin x\ncase a\ntext k 1\ntext k 2\n", ":4: a second k"},
        {"origin x\ncase a\nin x f32\n", "a name, a type and a shape"},
        {"origin x\ncase a\nin x f32 1 1\n", "a name, a type and a shape"},
        {"origin x\ncase a\nin x f33 1\n", "no element type: f33"},
        {"origin x\ncase a\nin x i65 1\n", "no element type: i65"},
        {"origin x\ncase a\nin x i0 1\n", "no element type: i0"},
        {"origin x\ncase a\nin x i 1\n", "no element type: i"},
        {"origin x\ncase a\nin x f32 x\n", "no shape: x"},
        {"origin x\ncase a\nin x f32 3x\n", "no shape: 3x"},
        {"origin x\ncase a\nin x f32 x3\n", "no shape: x3"},
        {"origin x\ncase a\nin x f32 3y4\n", "no shape: 3y4"},
        {"origin x\ncase a\nin x f32 -3\n", "no shape: -3"},
        {"origin x\ncase a\nin x f32 99999999999999999999\n", "no shape"},
        {"origin x\ncase a\nin x f32 4294967296x4294967296x9\n", "no shape"},
        {"origin x\ncase a\nin x f32 "
         "1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1\n",
         "no shape"},
        {"origin x\ncase a\nin x f32 2\n 00000000\nend\n",
         "x has 1 values, its shape wants 2"},
        {"origin x\ncase a\nin x f32 1\n 00000000 00000000\nend\n",
         "x has more values"},
        {"origin x\ncase a\nin x f32 0\n 00000000\nend\n", "x has more values"},
        {"origin x\ncase a\nin x f32 1\n 0000000\nend\n", "no value of type"},
        {"origin x\ncase a\nin x f32 1\n 0000000g\nend\n", "no value of type"},
        {"origin x\ncase a\nin x f32 1\n 000000000\nend\n", "no value of type"},
        {"origin x\ncase a\nin x e2m1 1\n 10\nend\n", "no value of type"},
        {"origin x\ncase a\nin x i4 1\n 8\nend\n", "no value of type"},
        {"origin x\ncase a\nin x i4 1\n -9\nend\n", "no value of type"},
        {"origin x\ncase a\nin x u4 1\n -1\nend\n", "no value of type"},
        {"origin x\ncase a\nin x u4 1\n -0\nend\n", "no value of type"},
        {"origin x\ncase a\nin x bool 1\n 2\nend\n", "no value of type"},
        {"origin x\ncase a\nin x i8 1\n -\nend\n", "no value of type"},
        {"origin x\ncase a\nin x i8 1\n 1.0\nend\n", "no value of type"},
        {"origin x\ncase a\nin x u64 1\n 18446744073709551616\nend\n",
         "no value of type"},
        {"origin x\ncase a\nin x i8 1\n 1\nin x i8 1\n 1\n",
         "a second input x"},
        {"origin x\ncase a\nout x i8 1\n 1\nout x i8 1\n 1\n",
         "a second output x"},
        {"origin x\ncase a\nother x i8 1\n 1\nend\n", "other follows no out"},
        {"origin x\ncase a\nout x i8 1\n 1\nother y i8 1\n 1\nend\n",
         "other y has not name"},
        {"origin x\ncase a\nout x i8 1\n 1\nother x i4 1\n 1\nend\n",
         "other x has not name"},
        {"origin x\ncase a\nout x i8 1\n 1\nother x i8 1x1\n 1\nend\n",
         "other x has not name"},
        {"origin x\ncase a\nout x i8 1\n 1\nbound x i8 1\n 1\nend\n",
         "bound x has not name"},
        {"origin x\ncase a\ncall b\nmode either\nout x i8 1\n 1\nend\n",
         "an other belongs to mode either"},
        {"origin x\ncase a\ncall b\nmode exact\nout x i8 1\n 1\nother x i8 1\n "
         "1\nend\n",
         "an other belongs to mode either"},
        {"origin x\ncase a\ncall b\nmode exact\nout x f32 1\n 00000000\nbound "
         "x "
         "f32 1\n 00000000\nend\n",
         "a bound belongs to mode near"},
        {"origin x\ncase a\ncall b\nmode exact\nend\ncase a\ncall b\nmode "
         "exact\nend\n",
         ":6: a second case a"},
        {"origin x\n", "no case was found"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!CHECK(run(bad[i].text, "") != 0 &&
                   strstr(printed, bad[i].words) != NULL))
            printf("%s%s", bad[i].text, printed);
}

// What the format leaves open is read: blank lines, lines of any length, CR
// at the end of lines, capital digits, no newline at the end.
static void test_lenient(void)
{
    CHECK(run("origin test\r\n\r\n  \r\ncase a\r\n\r\ncall echo\r\nnote x\r\n"
              "mode exact\r\nin got-y f32 3\r\n 7F800000\r\n\r\n  00000000   "
              "00000001 \r\nout y f32 3\r\n 7f800000 00000000 00000001\r\nend",
              "") == 0);
    CHECK(strstr(printed, "golden: 1 of 1 passed"));
}

static void test_program(void)
{
    char name[] = "golden", bad[] = "-q", c[] = "-c", x[] = "-x";
    char *none[] = {name, NULL};
    char *option[] = {name, bad, name, NULL};
    char *open[] = {name, c, NULL};
    char *lists[] = {name, x, NULL};
    char missing[1100];
    char *absent[] = {name, missing, NULL};

    snprintf(missing, sizeof missing, "%.1000s.missing", program);
    CHECK(golden_main(1, none) == 2);
    CHECK(golden_main(3, option) == 2);
    CHECK(golden_main(2, open) == 2);
    CHECK(golden_main(2, lists) == 2);
    CHECK(golden_main(2, absent) == 1);
    CHECK(strcmp(golden_short_name("a/b/c.txt"), "b/c.txt") == 0);
    CHECK(strcmp(golden_short_name("b/c.txt"), "b/c.txt") == 0);
    CHECK(strcmp(golden_short_name("c.txt"), "c.txt") == 0);
    CHECK(strcmp(golden_short_name("/c.txt"), "/c.txt") == 0 ||
          strcmp(golden_short_name("/c.txt"), "c.txt") == 0);
}

// Settings, read as they stand.
static void test_settings(void)
{
    static char path[1100];
    struct golden_reader r;
    struct golden_case c;
    size_t shape[GOLDEN_MAX_RANK];
    long list[4];
    struct golden_tile tiles[3];
    char word[8];

    snprintf(path, sizeof path, "%.1000s.set", program);
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        exit(2);
    fputs("origin t\ncase a\ncall b\nmode exact\nset raw  two  words \n"
          "set hex 0x1.8p+1\nset wide 4294967295\nset none none\nset yes yes\n"
          "set list 1, -2 3\nset shape 2x0x3\nset blank 2 3\n"
          "set map 1:16 -1:0x1p-2\nset line bits:8 kind:int bits-x:9\n"
          "set empty\nend\n",
          f);
    fclose(f);
    CHECK(golden_open(&r, path, "x.txt") == 1 && golden_next(&r, &c) == 1);
    CHECK(strcmp(golden_set(&c, "raw"), " two  words ") == 0);
    CHECK(strcmp(golden_set(&c, "empty"), "") == 0);
    CHECK(golden_set(&c, "absent") == NULL);
    CHECK(golden_float(&c, "hex", 0) > 2.9 && golden_float(&c, "hex", 0) < 3.1);
    CHECK(golden_wide(&c, "wide", 0) == 4294967295);
    CHECK(golden_int(&c, "none", -7) == -7 && golden_int(&c, "no", 3) == 3);
    CHECK(golden_yes(&c, "yes", 0) == 1 && golden_yes(&c, "absent", 1) == 1);
    CHECK(golden_ints(&c, "list", list, 4) == 3);
    CHECK(list[0] == 1 && list[1] == -2 && list[2] == 3);
    CHECK(golden_shape(&c, "shape", shape) == 3 && shape[1] == 0);
    CHECK(golden_shape(&c, "blank", shape) == 2 && shape[1] == 3);
    CHECK(golden_tiles(&c, "map", tiles, 3) == 2);
    CHECK(tiles[0].axis == 1 && tiles[0].size == 16 && tiles[1].axis == -1);
    CHECK(tiles[1].size == 0 && tiles[1].fraction > 0.24);
    CHECK(golden_field(&c, "line", "kind", word, sizeof word) == 1);
    CHECK(strcmp(word, "int") == 0);
    CHECK(golden_field(&c, "line", "bits", word, sizeof word) == 1);
    CHECK(strcmp(word, "8") == 0);
    CHECK(golden_field(&c, "line", "none", word, sizeof word) == 0);
    CHECK(c.failures == 0);
    CHECK(golden_ints(&c, "list", list, 2) == 0 && c.failures == 1);
    CHECK(golden_tiles(&c, "list", tiles, 3) == 0 && c.failures == 2);
    CHECK(golden_shape(&c, "list", shape) == 0 && c.failures == 3);
    (void)golden_int(&c, "hex", 0);
    (void)golden_float(&c, "raw", 0);
    (void)golden_yes(&c, "hex", 0);
    CHECK(c.failures == 6);
    golden_free(&c);
    CHECK(golden_next(&r, &c) == 0);
    golden_close(&r);
    remove(path);
}

int main(int argc, char **argv)
{
    (void)argc;
    program = argv[0];
    test_exact();
    test_integers();
    test_either();
    test_near();
    test_refuse();
    test_forgotten();
    test_not_covered();
    test_exceptions();
    test_malformed();
    test_lenient();
    test_program();
    test_settings();
    return check_done();
}
