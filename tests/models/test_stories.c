// The story model of QQ_DATA on packed matrices: its perplexity in f32, and
// what every type leaves of it, with activations as good as f32 and in int8.

#include "stories.h"

static story_model net;
static story_text text;

// Minus the sum of log probabilities of a story's tokens after the first.
static double story_loss(size_t first, size_t length, const size_t *tokens)
{
    static float y[LONGEST * VOCAB];
    double loss = 0;
    story_run(&net, tokens, 0, length, y);
    for (size_t t = 0; t < length; t++) {
        const size_t next = story_token(&text, first + t + 1);
        double sum = 0;
        for (size_t i = 0; i < VOCAB; i++)
            sum += exp((double)y[t * VOCAB + i]);
        loss += log(sum) - (double)y[t * VOCAB + next];
    }
    return loss;
}

// Perplexity over the first count stories.
static double perplexity(size_t count, size_t *predicted)
{
    size_t tokens[LONGEST], first = 0, next;
    double loss = 0;
    *predicted = 0;
    for (size_t s = 0; s < count && first < text.count; s++, first = next) {
        const size_t length = story_tokens(&text, first, tokens, &next);
        loss += story_loss(first, length, tokens);
        *predicted += length;
    }
    return exp(loss / (double)*predicted);
}

static double quantized(const qq_scheme *s, qq_input input, size_t count)
{
    size_t predicted;
    story_pack(&net, s, input);
    return perplexity(count, &predicted);
}

// Token by token gives what all at once gives, bit for bit.
static void test_pieces(void)
{
    static float y[LONGEST * VOCAB], z[VOCAB];
    const qq_scheme s = model_scheme(model_rows[9]);
    size_t tokens[LONGEST], next;
    const size_t length = story_tokens(&text, 0, tokens, &next);

    story_pack(&net, &s, QQ_INPUT_DEFAULT);
    story_run(&net, tokens, 0, length, y);
    for (size_t t = 0; t < length; t++) {
        story_run(&net, tokens + t, t, 1, z);
        CHECK(memcmp(z, y + t * VOCAB, sizeof z) == 0);
    }
}

int main(void)
{
    if (!story_load(&net) || !story_text_load(&text)) {
        printf("stories: skipped, QQ_DATA holds no such model\n");
        check_skipped++;
        return check_done();
    }

    // The float baseline of the data's README: 40 stories, or all of them.
    size_t predicted;
    const double f32 = perplexity(check_small() ? 4 : 40, &predicted);
    printf("stories  %-8s %-5s %9.3f over %lu tokens\n", "f32", "", f32,
           (unsigned long)predicted);
    if (!check_small())
        CHECK(predicted == 12455 && f32 > 3.5505 && f32 < 3.5515);

    // Its baselines of rounding by a row's absmax to codes of +-qmax.
    static const double wanted[9] = {0, 0, 0, 33.0, 4.428, 0, 0, 0, 3.554};
    for (int bits = 3; bits <= 8 && !check_small(); bits++) {
        if (wanted[bits] == 0)
            continue;
        const model_row row = {(qq_type)(QQ_TYPE_INT2 + bits - 2), 0};
        qq_scheme s = model_scheme(row);
        s.range = QQ_RANGE_EXACT_MAX;
        const double got = quantized(&s, QQ_INPUT_INT24, 40);
        const double int8 = quantized(&s, QQ_INPUT_DEFAULT, 40);
        printf("stories  int%d, exact max: %.3f, wanted %.3f; int8 "
               "activations: %.3f\n",
               bits, got, wanted[bits], int8);
        CHECK(fabs(got - wanted[bits]) < 0.002 * wanted[bits]);
        CHECK(fabs(int8 - wanted[bits]) < 0.02 * wanted[bits]);
    }

    // e4m3fn has no integers to multiply: both columns are f32.
    printf("stories  activations:       f32       int8\n");
    for (size_t i = 0; i < MODEL_ROWS; i++) {
        const qq_type type = model_rows[i].type;
        const qq_scheme s = model_scheme(model_rows[i]);
        const size_t count = check_small() ? 2 : 8;
        const double int8 = quantized(&s, QQ_INPUT_DEFAULT, count);
        const double got = type == QQ_TYPE_E4M3FN
                               ? int8
                               : quantized(&s, QQ_INPUT_INT24, count);
        printf("stories  %-8s %-5s %9.3f  %9.3f\n", qq_type_name(type),
               model_rows[i].tile ? "tile" : "row", got, int8);
        if (qq_type_bits(type) >= 5)
            CHECK(got < 4.5 && int8 < 4.5);
    }
    test_pieces();
    story_unpack(&net);
    free(text.file);
    return check_done();
}
