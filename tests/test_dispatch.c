// The ladder: which rungs there are, and that choosing one holds.

#include "check.h"
#include "qquant.h"

int main(void)
{
    static const qq_isa all[] = {
        QQ_ISA_SCALAR, QQ_ISA_AVX2,        QQ_ISA_AVX_VNNI,
        QQ_ISA_AVX512, QQ_ISA_AVX512_VNNI, QQ_ISA_AMX,
        QQ_ISA_NEON,   QQ_ISA_NEON_DOT,    QQ_ISA_NEON_I8MM};

    const qq_isa best = qq_isa_in_use();
    CHECK(best != QQ_ISA_AMX); // which must be asked for
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const qq_isa before = qq_isa_in_use();
        const qq_status status = qq_use_isa(all[i]);
        CHECK(strcmp(qq_isa_name(all[i]), "none") != 0);
        CHECK(status == QQ_OK || status == QQ_ERR_UNSUPPORTED);
        CHECK(qq_isa_in_use() == (status == QQ_OK ? all[i] : before));
    }
    CHECK(qq_use_isa(QQ_ISA_SCALAR) == QQ_OK);
    CHECK(qq_use_isa((qq_isa)7) == QQ_ERR_ARGUMENT);
    CHECK(qq_isa_in_use() == QQ_ISA_SCALAR);
    CHECK(strcmp(qq_isa_name(QQ_ISA_SCALAR), "scalar") == 0);
    CHECK(strcmp(qq_isa_name((qq_isa)7), "none") == 0);
    CHECK(qq_use_isa(QQ_ISA_BEST) == QQ_OK);
    CHECK(qq_isa_in_use() == best);
    return check_done();
}
