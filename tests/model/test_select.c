// Which layers: every rule of names, words, types and counts; one model's text
// part; routers; layers that keep 8 bits.

#include "qquant.h"
#include "room.h"

static const qq_layer layers[] = {
    {"model.embed", "Embedding"},
    {"model.layers.0.attn.q_proj", "Linear"},
    {"model.layers.0.mlp.up_proj", "Linear"},
    {"model.layers.0.mlp.down_proj", "Linear"},
    {"model.layers.0.norm", "Norm"},
    {"model.layers.10.attn.q_proj", "Linear"},
    {"model.layers.10.router", "Linear"},
    {"model.per_layer_model_projection", "Linear"},
    {"model.conv", "Conv1D"},
    {"lm_head", "Linear"},
    {"other.lm_head", "Linear"}};

enum { COUNT = sizeof layers / sizeof layers[0] };

static qq_words words(size_t count, const char *const *word)
{
    qq_words w;

    w.word = word;
    w.count = count;
    return w;
}

// Exactly these, in the model's order.
static void expect(const qq_selection *s, size_t count, const size_t *want)
{
    size_t at[COUNT], n = 99;
    int same = 1;

    CHECK(qq_select_layers(s, COUNT, layers, at, &n) == QQ_OK);
    if (!CHECK(n == count))
        return;
    for (size_t i = 0; i < count; i++)
        same &= at[i] == want[i];
    CHECK(same);
}

static const char *const none[1] = {"x"};

#define TAKES(s, count, ...)                                                   \
    do {                                                                       \
        const size_t want[] = {__VA_ARGS__};                                   \
        expect(s, count, want);                                                \
    } while (0)

static void test_lists(void)
{
    static const char *const keys[] = {"q_proj", "down"};
    static const char *const names[] = {"model.layers.10.attn.q_proj",
                                        "model.layers.0.mlp.up_proj", "lm"};
    static const char *const cases[] = {"Q_PROJ", "LINEAR", "layers.1"};
    static const char *const types[] = {"Conv1D", "Linear", "Norm"};
    static const char *const empty[] = {""};
    const size_t all[] = {1, 2, 3, 5, 6, 10};
    qq_selection s = qq_selection_init();

    expect(NULL, 6, all);
    expect(&s, 6, all);
    s.include_keywords = words(2, keys);
    TAKES(&s, 3, 1, 3, 5);
    s.include_names = words(3, names); // both must hold
    TAKES(&s, 1, 5);
    s.include_keywords = words(0, NULL);
    TAKES(&s, 2, 2, 5);               // the model's order, not the list's
    s.include_names = words(0, none); // an empty list takes nothing
    expect(&s, 0, NULL);
    s.include_names = words(0, NULL);
    s.include_keywords = words(0, none);
    expect(&s, 0, NULL);
    s.include_keywords = words(1, empty); // which is part of any name
    expect(&s, 6, all);
    s.include_keywords = words(1, cases); // case counts
    expect(&s, 0, NULL);
    s.include_keywords = words(1, cases + 2);
    TAKES(&s, 2, 5, 6);
    s = qq_selection_init();
    s.exclude_names = words(0, none); // an empty list excludes nothing
    TAKES(&s, 7, 1, 2, 3, 5, 6, 9, 10);
    s.exclude_keywords = words(0, NULL);
    TAKES(&s, 8, 1, 2, 3, 5, 6, 7, 9, 10);
    s.exclude_keywords = words(2, keys);
    TAKES(&s, 5, 2, 6, 7, 9, 10);
    s.exclude_names = words(3, names); // whole names: not "lm"
    TAKES(&s, 4, 6, 7, 9, 10);
    s = qq_selection_init();
    s.types = words(3, types);
    TAKES(&s, 8, 1, 2, 3, 4, 5, 6, 8, 10);
    s.types = words(1, cases + 1);
    expect(&s, 0, NULL);
}

static void test_count(void)
{
    qq_selection s = qq_selection_init();
    size_t at[COUNT], n = 99;

    for (long c = 0; c <= 6; c++) {
        s.count = c;
        CHECK(qq_select_layers(&s, COUNT, layers, at, &n) == QQ_OK);
        CHECK(n == (size_t)c);
    }
    s.count = 7;
    CHECK(qq_select_layers(&s, COUNT, layers, at, &n) == QQ_ERR_SHAPE);
    s.count = -2;
    CHECK(qq_select_layers(&s, COUNT, layers, at, &n) == QQ_ERR_ARGUMENT);
    s.count = -1;
    CHECK(qq_select_layers(&s, 0, NULL, at, &n) == QQ_OK && n == 0);
    s.exclude_names = words(0, NULL); // must be a list
    CHECK(qq_select_layers(&s, COUNT, layers, at, &n) == QQ_ERR_ARGUMENT);
    s = qq_selection_init();
    s.types = words(0, NULL);
    CHECK(qq_select_layers(&s, COUNT, layers, at, &n) == QQ_ERR_ARGUMENT);
    CHECK(qq_select_layers(NULL, COUNT, NULL, at, &n) == QQ_ERR_ARGUMENT);
    CHECK(qq_select_layers(NULL, COUNT, layers, NULL, &n) == QQ_ERR_ARGUMENT);
    CHECK(qq_select_layers(NULL, COUNT, layers, at, NULL) == QQ_ERR_ARGUMENT);
}

// Below the first module of that name alone.
static void test_text(void)
{
    static const qq_layer a[] = {{"vision.fc", "Linear"},
                                 {"x.language_model.layers.0", "Linear"},
                                 {"x.language_model.head", "Linear"},
                                 {"y.text_model.fc", "Linear"},
                                 {"x.language_models.fc", "Linear"},
                                 {"lm_head", "Linear"}};
    static const qq_layer b[] = {{"text_model", "Linear"}, {"fc", "Linear"}};
    static const qq_layer c[] = {{"my_text_model.fc", "Linear"},
                                 {"fc", "Linear"}};
    size_t at[6], n = 0;

    CHECK(qq_select_layers(NULL, 6, a, at, &n) == QQ_OK && n == 2);
    CHECK(at[0] == 1 && at[1] == 2);
    CHECK(qq_select_layers(NULL, 3, a + 3, at, &n) == QQ_OK && n == 1);
    CHECK(at[0] == 0);
    // A layer is no module above others.
    CHECK(qq_select_layers(NULL, 2, b, at, &n) == QQ_OK);
    CHECK(qq_select_layers(NULL, 2, c, at, &n) == QQ_OK && n == 1 &&
          at[0] == 0); // it ends so
}

static void test_routers(void)
{
    static const char *const given[] = {"a", "b"};
    static const char *const has[] = {"a", "router"};
    const char *place[3] = {NULL, NULL, NULL};
    qq_words w = words(2, given);

    CHECK(qq_exclude_routers(0, &w, place, 3) == QQ_OK);
    CHECK(w.count == 2 && w.word == given);
    CHECK(qq_exclude_routers(8, &w, place, 2) == QQ_ERR_SIZE);
    CHECK(w.count == 2 && w.word == given);
    CHECK(qq_exclude_routers(8, &w, place, 3) == QQ_OK);
    CHECK(w.count == 3 && strcmp(w.word[2], "router") == 0 &&
          strcmp(w.word[0], "a") == 0);
    CHECK(qq_exclude_routers(8, &w, place, 3) == QQ_OK && w.count == 3);
    w = words(2, has);
    CHECK(qq_exclude_routers(8, &w, place, 0) == QQ_OK && w.count == 2);
    w = words(0, NULL);
    CHECK(qq_exclude_routers(8, &w, place, 1) == QQ_OK && w.count == 1);
    CHECK(qq_exclude_routers(8, NULL, place, 3) == QQ_ERR_ARGUMENT);
}

int main(void)
{
    test_lists();
    test_count();
    test_text();
    test_routers();
    return check_done();
}
