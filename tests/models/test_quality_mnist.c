// The MNIST perceptron of QQ_DATA through the driver: its float accuracy, and
// what is left of it at 3 bits and at ternary weights.

#include "check.h"
#include "quality_mnist.h"

static void solved(const quality_net *net, qq_recipe r, const char *what,
                   double least)
{
    double kl;

    net->reset();
    r.propagation = QQ_PROPAGATION_NONE;
    CHECK(quality_solve(net, &r) == QQ_OK);
    const double got = net->judge(&kl);
    printf("mnist  %s: %.2f %%, KL %.4f\n", what, got, kl);
    CHECK(got >= least);
}

int main(void)
{
    const quality_net *net =
        quality_mnist_of(getenv("QQ_DATA"), check_small() ? 100 : MNIST_SEEN);
    double kl;

    if (net == NULL) {
        printf("mnist: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }
    const double f32 = net->judge(&kl);
    printf("mnist  f32: %.2f %%\n", f32);
    CHECK(f32 > 98.28 && f32 < 98.30);
    CHECK(kl > -1e-9 && kl < 1e-9);

    if (check_small()) {
        solved(net, qq_recipe_init(3, 0), "3 bits", 97);
        return check_done();
    }
    solved(net, qq_recipe_init(3, 0), "3 bits", 98.1);
    solved(net, qq_recipe_ternary(0), "ternary", 97.0);
    return check_done();
}
