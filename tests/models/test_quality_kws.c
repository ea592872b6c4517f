// The keyword spotter of QQ_DATA through the driver: what it recognises in
// floats, and what nearest codes, GPTQ and the recipe leave of that at 2 bits,
// and where the first and the depthwise layers keep 8.

#include "quality_kws.h"
#include "quality_steps.h"

// The recipe gains at least so much over nearest codes, and is nearer to the
// float net than GPTQ.
static void test_bits(const quality_net *net, unsigned bits, int keep,
                      qq_propagation propagation, double gain)
{
    qq_recipe r = quality_gptq(bits, 0);
    printf("kws  %u bits%s\n", bits, keep ? ", some layers 8" : "");
    const quality_score rtn = quality_nearest(net, bits, 0, keep);
    const quality_score gptq = quality_driven(net, &r, keep, "GPTQ");
    r = qq_recipe_init(bits, 0);
    r.propagation = propagation;
    const quality_score whole = quality_driven(net, &r, keep, "the recipe");

    CHECK(rtn.kl > gptq.kl && gptq.kl > whole.kl);
    CHECK(whole.metric >= rtn.metric + gain);
}

int main(void)
{
    const int small = check_small();
    const quality_net *net = kws_start(getenv("QQ_DATA"), small ? 5 : 1, 0);
    if (net == NULL) {
        printf("kws: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }
    const quality_score f32 = quality_scored(net, "f32");
    CHECK(f32.kl > -1e-9 && f32.kl < 1e-9);
    CHECK(net->count == 262);
    if (small) {
        const qq_recipe r = qq_recipe_init(4, 0);
        CHECK(quality_driven(net, &r, 0, "4 bits").kl < 0.1);
        return check_done();
    }
    // 223 of the 240 odd samples, 224 of the even ones.
    CHECK(f32.metric > 92.9 && f32.metric < 92.95);
    kws_part *parts[] = {&kws_judged, &kws_seen};
    double right = 0;
    for (int i = 0; i < 2; i++) {
        static float log_p[KWS_MOST * KWS_OUT];
        kws_pass(CONV_FLOAT, parts[i], log_p);
        for (size_t j = 0; j < parts[i]->count; j++)
            right +=
                conv_top(KWS_OUT, log_p + j * KWS_OUT) == parts[i]->label[j];
    }
    CHECK(right > 446.5 && right < 447.5);
    kws_net.every = 3; // of the pixels
    test_bits(net, 2, 0, QQ_PROPAGATION_NONE, 65 - 19.7);
    test_bits(net, 2, 1, QQ_PROPAGATION_TARGET, 77 - 27);
    return check_done();
}
