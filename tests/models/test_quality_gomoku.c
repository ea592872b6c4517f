// The gomoku net of QQ_DATA through the driver: how often its best move
// survives nearest codes, GPTQ and the recipe at 2 bits.

#include "quality_gomoku.h"
#include "quality_steps.h"

// At tiles of 32. The recipe gains at least so much over nearest codes, is
// nearer to the float net than GPTQ, and nearer still where inputs are rotated.
static void test_bits(const quality_net *net, unsigned bits, double gain)
{
    qq_recipe r = quality_gptq(bits, 32);
    printf("gomoku  %u bits\n", bits);
    const quality_score rtn = quality_nearest(net, bits, 32, 0);
    const quality_score gptq = quality_driven(net, &r, 0, "GPTQ");
    r = qq_recipe_init(bits, 32);
    r.grid = qq_grid_integer(bits);
    r.propagation = QQ_PROPAGATION_NONE;
    const quality_score parallel = quality_driven(net, &r, 0, "parallel");
    r.propagation = QQ_PROPAGATION_TARGET;
    r.rotate = 1;
    const quality_score whole =
        quality_driven(net, &r, 0, "propagated, rotated");

    CHECK(rtn.kl > gptq.kl);
    CHECK(gptq.kl > parallel.kl && parallel.kl > 1.5 * whole.kl);
    CHECK(parallel.metric >= rtn.metric + gain);
    CHECK(whole.metric >= rtn.metric + gain);
}

// What the net sees, and when a game is over.
static void test_games(void)
{
    static gomoku_game g;
    float x[GOMOKU_IN];
    const size_t moves[] = {0, 8, 9, 16, 18, 24, 27, 32, 36};
    memset(&g, 0, sizeof g);
    for (size_t i = 0; i < 9; i++) {
        CHECK(!g.over);
        gomoku_move(&g, moves[i]);
    }
    CHECK(g.over); // 0, 9, 18, 27, 36
    gomoku_see(&g, x);
    // The second player's turn: cell (4, 4) is row 3 of the planes.
    const float *last = x + (3 * GOMOKU_SIDE + 4) * GOMOKU_PLANES;
    CHECK(last[0] == 0 && last[1] == 1 && last[2] == 1 && last[3] == 0);
    const float *own = x + 6 * GOMOKU_SIDE * GOMOKU_PLANES; // (1, 0)
    CHECK(own[0] == 1 && own[1] == 0 && own[2] == 0);
}

int main(void)
{
    const int small = check_small();
    const quality_net *net = gomoku_start(getenv("QQ_DATA"), small ? 16 : 2);
    test_games();
    if (net == NULL) {
        printf("gomoku: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }
    const quality_score f32 = quality_scored(net, "f32");
    CHECK(f32.metric == 100 && f32.kl > -1e-9 && f32.kl < 1e-9);
    CHECK(quality_nearest(net, 8, 0, 0).metric > 94); // 97.7 on other games
    if (small) {
        const qq_recipe r = qq_recipe_init(4, 32);
        CHECK(quality_driven(net, &r, 0, "4 bits").kl < 0.1);
        return check_done();
    }
    test_bits(net, 2, 55 - 32);
    return check_done();
}
