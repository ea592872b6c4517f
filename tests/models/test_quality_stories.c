// The story model of QQ_DATA through the driver: what it was in floats, what
// is left of it at 3 bits (4 in a small run).

#include "check.h"
#include "quality_stories.h"

// By a recipe perplexity is less than most.
static void solved(const quality_net *net, const qq_recipe *r, const char *what,
                   double most)
{
    double kl;

    net->reset();
    CHECK(quality_solve(net, r) == QQ_OK);
    const double got = net->judge(&kl);
    printf("stories  %s: %.4f, KL %.4f\n", what, got, kl);
    CHECK(got < most);
}

int main(void)
{
    const size_t count = check_small() ? 2 : 40;
    const quality_net *net =
        quality_stories_of(getenv("QQ_DATA"), count, count);
    double kl;

    if (net == NULL) {
        printf("stories: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }
    // Of floats: reset makes the embedding one of 8 bits.
    qq_drive_result whole;
    memset(&whole, 0, sizeof whole);
    whole.layer = TALE_EMB;
    whole.v = tale_floats.w[TALE_EMB];
    net->store(NULL, &whole);
    const double f32 = net->judge(&kl);
    printf("stories  f32: %.4f\n", f32);
    CHECK(kl > -1e-9 && kl < 1e-9);
    if (check_small()) {
        qq_recipe r = qq_recipe_init(3, 0);
        r.propagation = QQ_PROPAGATION_NONE;
        solved(net, &r, "3 bits, parallel", 2 * f32);
        r = qq_recipe_init(4, 0);
        solved(net, &r, "4 bits, propagated", 2 * f32);
        return check_done();
    }
    CHECK(f32 > 3.5511 && f32 < 3.5513);
    // 3 bits by row: nearest codes leave 10.97, a float net's inputs 4.78.
    const qq_recipe r = qq_recipe_init(3, 0);
    solved(net, &r, "3 bits, propagated", 4.55);
    return check_done();
}
