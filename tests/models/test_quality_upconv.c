// The image net of QQ_DATA through the driver: how near a photo that was halved
// comes to itself in floats, and by nearest codes, GPTQ and the recipe at 2
// bits.

#include "quality_steps.h"
#include "quality_upconv.h"

int main(void)
{
    const int small = check_small();
    const quality_net *net =
        upconv_start(getenv("QQ_DATA"), small ? 1 : 2, small ? 16 : 80);
    if (net == NULL) {
        printf("upconv: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }
    const quality_score f32 = quality_scored(net, "f32");
    qq_recipe r = qq_recipe_init(4, 32);
    if (small) {
        r.propagation = QQ_PROPAGATION_NONE;
        CHECK(quality_driven(net, &r, 0, "4 bits").metric > f32.metric - 2);
        return check_done();
    }
    CHECK(f32.metric > 30.08 && f32.metric < 30.12);
    const quality_score rtn = quality_nearest(net, 2, 32, 0);
    r = quality_gptq(2, 32);
    const quality_score gptq = quality_driven(net, &r, 0, "GPTQ");
    r = qq_recipe_init(2, 32);
    r.rotate = 1;
    const quality_score whole = quality_driven(net, &r, 0, "propagated");
    CHECK(rtn.metric < 12 && gptq.metric > rtn.metric + 10);
    CHECK(whole.metric > 28.5); // of 30.09
    return check_done();
}
