// Calibrations as text: what Python's float() takes and what it does not.

#include "check.h"
#include "qquant.h"

#include <math.h>

static qq_status parse(const char *text, qq_calibration *c)
{
    const size_t n = strlen(text);
    char *exact = (char *)malloc(n + 1);

    // No byte behind the text may be needed.
    memcpy(exact + 1, text, n);
    const qq_status status = qq_calibration_parse(exact + 1, n, c);
    free(exact);
    return status;
}

static void accept(const char *text, qq_calib method, unsigned count, double a,
                   double b)
{
    qq_calibration c = {{7.0, 7.0}, 9, QQ_CALIB_SNR};

    if (!CHECK(parse(text, &c) == QQ_OK)) {
        printf("    %s\n", text);
        return;
    }
    const int same = c.method == method && c.arg_count == count &&
                     (count < 1 || memcmp(&c.args[0], &a, 8) == 0) &&
                     (count < 2 || memcmp(&c.args[1], &b, 8) == 0);
    if (!CHECK(same))
        printf("    %s: %d %u %g %g\n", text, (int)c.method, c.arg_count,
               c.args[0], c.args[1]);
}

static void refuse(const char *text)
{
    qq_calibration c = {{7.0, 7.0}, 9, QQ_CALIB_SNR};

    if (!CHECK(parse(text, &c) == QQ_ERR_FORMAT && c.arg_count == 9))
        printf("    %s\n", text);
}

static void test_words(void)
{
    accept("absmax", QQ_CALIB_ABSMAX, 0, 0, 0);
    accept("AbsMax, 0.5,7", QQ_CALIB_ABSMAX, 2, 0.5, 7);
    accept("absmax,1,2,3,4", QQ_CALIB_ABSMAX, 2, 1, 2);
    accept("minmax", QQ_CALIB_MINMAX, 0, 0, 0);
    accept("MINMAX,.9", QQ_CALIB_MINMAX, 1, 0.9, 0);
    accept("rms,7", QQ_CALIB_RMS, 1, 7, 0);
    accept("fixed,2", QQ_CALIB_FIXED, 1, 2, 0);
    accept("fixed,-10,10", QQ_CALIB_FIXED, 2, -10, 10);
    accept("fixed,0,1", QQ_CALIB_FIXED, 2, 0, 1);
    accept("fixed,inf", QQ_CALIB_FIXED, 1, (double)INFINITY, 0);
    accept("mse", QQ_CALIB_MSE, 0, 0, 0);
    accept("mse,16", QQ_CALIB_MSE, 1, 16, 0);
    accept("percentile,99.9", QQ_CALIB_PERCENTILE, 1, 99.9, 0);
    accept("absmean,1.5", QQ_CALIB_ABSMEAN, 1, 1.5, 0);
    accept("absmean,1,2", QQ_CALIB_ABSMEAN, 2, 1, 2);
    refuse("");
    refuse(" ");
    refuse("abs");
    refuse("absmaxx");
    refuse(" absmax");
    refuse("absmax ");
    refuse("absmax,0.5 1");
    refuse("rms");
    refuse("fixed");
    refuse("fixed,-1,1,2");
    refuse("fixed,1,2");
    refuse("fixed,-1,-2");
    refuse("fixed,0");
    refuse("fixed,-1");
    refuse("fixed,nan");
    refuse("fixed,-1,nan");
    refuse("percentile");
    refuse("percentile,1,2");
    refuse("mse,1,2");
    refuse("absmean");
    refuse("absmean,1,2,3");
    refuse("snr");
    refuse("constant,1");
}

static void test_numbers(void)
{
    accept("rms,.5", QQ_CALIB_RMS, 1, 0.5, 0);
    accept("rms,5.", QQ_CALIB_RMS, 1, 5, 0);
    accept("rms,1e-3", QQ_CALIB_RMS, 1, 1e-3, 0);
    accept("rms,1E+3", QQ_CALIB_RMS, 1, 1e3, 0);
    accept("rms,+1.5e2", QQ_CALIB_RMS, 1, 150, 0);
    accept("rms,-0", QQ_CALIB_RMS, 1, -0.0, 0);
    accept("rms, \t\n\v\f\r1.5 \t", QQ_CALIB_RMS, 1, 1.5, 0);
    accept("rms,1_000", QQ_CALIB_RMS, 1, 1000, 0);
    accept("rms,1_0.0_1e0_1", QQ_CALIB_RMS, 1, 100.1, 0);
    accept("rms,Infinity", QQ_CALIB_RMS, 1, (double)INFINITY, 0);
    accept("rms,-iNF", QQ_CALIB_RMS, 1, -(double)INFINITY, 0);
    accept("rms,1e99999999999999999999999999999999", QQ_CALIB_RMS, 1,
           (double)INFINITY, 0);
    accept("rms,1e-99999999999999999999999999999999", QQ_CALIB_RMS, 1, 0, 0);
    accept("rms,000_000.000e99999999999999999999999", QQ_CALIB_RMS, 1, 0, 0);
    accept("rms,0.000001e6", QQ_CALIB_RMS, 1, 1, 0);
    accept("rms,9007199254740993", QQ_CALIB_RMS, 1, 9007199254740992.0, 0);
    accept("rms,9007199254740993.000000000000000000000000000000000001",
           QQ_CALIB_RMS, 1, 9007199254740994.0, 0);
    refuse("rms,");
    refuse("rms, ");
    refuse("rms,x");
    refuse("rms,.");
    refuse("rms,e5");
    refuse("rms,1e");
    refuse("rms,1e+");
    refuse("rms,1.2.3");
    refuse("rms,0x10");
    refuse("rms,1__0");
    refuse("rms,_1");
    refuse("rms,1_");
    refuse("rms,1_.5");
    refuse("rms,1._5");
    refuse("rms,1_e5");
    refuse("rms,1e_5");
    refuse("rms,- 1");
    refuse("rms,--1");
    refuse("rms,in");
    refuse("rms,infinit");
    refuse("rms,nano");
    refuse("rms,1,");
}

static void test_nan_and_null(void)
{
    qq_calibration c;

    CHECK(parse("absmax,nan", &c) == QQ_OK && isnan(c.args[0]));
    CHECK(parse("absmax,-NaN", &c) == QQ_OK && isnan(c.args[0]));
    CHECK(qq_calibration_parse(NULL, 6, &c) == QQ_ERR_ARGUMENT);
    CHECK(qq_calibration_parse("absmax", 6, NULL) == QQ_ERR_ARGUMENT);
    CHECK(qq_calibration_parse(NULL, 0, &c) == QQ_ERR_FORMAT);
    CHECK(qq_calibration_parse("absmax\0", 7, &c) == QQ_ERR_FORMAT);
    CHECK(qq_calibration_parse("absmaxxx", 6, &c) == QQ_OK);
}

int main(void)
{
    test_words();
    test_numbers();
    test_nan_and_null();
    return check_done();
}
