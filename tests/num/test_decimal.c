// Decimal text against strtod, which rounds correctly in glibc: what a double
// prints, random digits, exact middles between doubles and their neighbours.

#include "num/decimal.h"
#include "check.h"

// Digits, perhaps a point, perhaps an exponent that fits in 64 bits.
static double value_of(const char *text)
{
    const char *e = strchr(text, 'e');
    const char *point = strchr(text, '.');
    const char *end = e != NULL ? e : text + strlen(text);
    int64_t power = (e != NULL ? strtoll(e + 1, NULL, 10) : 0) +
                    ((point != NULL ? point : end) - text) - 1;
    struct qqi_decimal d;

    memset(&d, 0, sizeof d);
    for (const char *p = text; p < end; p++)
        if (*p != '.')
            qqi_decimal_put(&d, (unsigned)(*p - '0'), power--);
    return qqi_decimal_value(&d);
}

static void check_text(const char *text)
{
    const double want = strtod(text, NULL);
    const double got = value_of(text);

    if (!CHECK(memcmp(&want, &got, sizeof want) == 0))
        printf("    %.60s: %a, not %a\n", text, got, want);
}

static double random_double(int subnormal)
{
    uint64_t u = (uint64_t)check_u32() << 32 | check_u32();
    double x;

    u &= ~((uint64_t)1 << 63);
    if (subnormal)
        u &= ((uint64_t)1 << 54) - 1;
    memcpy(&x, &u, sizeof x);
    return x < 1e308 ? x : 1.0;
}

static void test_printed(void)
{
    for (size_t i = 0; i < check_count(8000); i++) {
        char text[64];
        snprintf(text, sizeof text, "%.*g", 1 + (int)(check_u32() % 22),
                 random_double(i % 8 == 0));
        check_text(text);
    }
}

static void test_digits(size_t cases, int least, int span)
{
    for (size_t i = 0; i < check_count(cases); i++) {
        const int n = least + (int)(check_u32() % (unsigned)span);
        const int point = (int)(check_u32() % (unsigned)n);
        char text[1700];
        int k = 0;
        for (int j = 0; j < n; j++) {
            text[k++] = (char)('0' + check_u32() % 10);
            if (j == point)
                text[k++] = '.';
        }
        snprintf(text + k, 16, "e%d", (int)(check_u32() % 1500) - 1150);
        check_text(text);
    }
}

// The middle between x and the next double, exact, and a hair beside it.
static void test_middles(void)
{
    for (size_t i = 0; i < check_count(500); i++) {
        const double x = random_double(i % 2 == 0);
        uint64_t u;
        double y;
        char text[2100];
        memcpy(&u, &x, sizeof u);
        u++;
        memcpy(&y, &u, sizeof y);
        // A long double has the bit more that the middle needs.
        snprintf(text, sizeof text - 2, "%.1100Lf",
                 ((long double)x + (long double)y) / 2);
        if (sizeof(long double) == sizeof(double))
            snprintf(text, sizeof text - 2, "%.1100f", x);
        check_text(text);
        size_t end = strlen(text);
        text[end] = '1';
        text[end + 1] = 0;
        check_text(text);
        text[end] = 0;
        do
            end--;
        while (end > 0 && (text[end] == '0' || text[end] == '.'));
        text[end] = (char)(text[end] == '0' ? '0' : text[end] - 1);
        for (end++; text[end] != 0; end++)
            text[end] = (char)(text[end] == '.' ? '.' : '9');
        check_text(text);
    }
}

static void test_edges(void)
{
    static const char *const text[] = {
        "0",
        "0.0e999999999999999999",
        "1e-400",
        "1e400",
        "1e999999999999999999",
        "1e-999999999999999999",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "9007199254740993",
        "9007199254740992.9999999999999999999999999999999999999",
        "9007199254740993.0000000000000000000000000000000000001",
        "000000000000000000000000000000000000000000000000000000001.5",
        ".5",
        "5.",
        "123456789012345678901234567890"};

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        check_text(text[i]);
}

int main(void)
{
    test_printed();
    test_digits(8000, 1, 40);
    test_digits(150, 700, 900);
    test_middles();
    test_edges();
    return check_done();
}
