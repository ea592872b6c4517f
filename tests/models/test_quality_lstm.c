// The Shakespeare model of QQ_DATA through the driver: its bits a character in
// floats, and what is left of it at 3 bits.

#include "check.h"
#include "quality_lstm.h"

static void solved(const quality_net *net, const qq_recipe *r, const char *what,
                   double most)
{
    double kl;

    net->reset();
    CHECK(quality_solve(net, r) == QQ_OK);
    const double got = net->judge(&kl);
    printf("lstm  %s: %.4f, KL %.4f\n", what, got, kl);
    CHECK(got < most);
}

int main(void)
{
    const quality_net *net =
        quality_lstm_of(getenv("QQ_DATA"), check_small() ? 4 : LSTM_LENGTH);
    double kl;

    if (net == NULL) {
        printf("lstm: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }
    const double f32 = net->judge(&kl); // but for the embedding
    printf("lstm  f32: %.4f\n", f32);
    CHECK(kl > -1e-9 && kl < 0.001);
    if (check_small()) {
        qq_recipe r = qq_recipe_init(3, 0);
        r.rotate = 1;
        r.repeats = 1;
        solved(net, &r, "3 bits, the recipe", 1.5 * f32);
        return check_done();
    }
    CHECK(f32 > 2.4236 && f32 < 2.4256);
    qq_recipe r = qq_recipe_init(3, 0);
    r.propagation = QQ_PROPAGATION_NONE;
    solved(net, &r, "3 bits, parallel", 2.59);
    return check_done();
}
