// qquant floor 10: which layers, and which settings go together.

#ifndef QQUANT_MODEL_SELECT_H
#define QQUANT_MODEL_SELECT_H

#include "api/model.h"
#include "num/bits.h"

// What the two calls leave: "sel1" and "drv1".
#define QQI_SELECTION_INIT 0x316c6573u
#define QQI_DRIVE_INIT     0x31767264u

static const char *const qqi_excluded_names[] QQI_UNUSED = {"lm_head"};
static const char *const qqi_excluded_words[] QQI_UNUSED = {
    "per_layer_model_projection"};
static const char *const qqi_linear_types[] QQI_UNUSED = {"Linear"};
static const char *const qqi_uncorrected[] QQI_UNUSED = {"mlp.down_proj"};

QQI_INLINE qq_words qqi_words_make(const char *const *word, size_t count)
{
    qq_words w;

    w.word = word;
    w.count = count;
    return w;
}

QQ_API qq_selection qq_selection_init(void)
{
    qq_selection s;

    QQ_MEMSET(&s, 0, sizeof s);
    s.init = QQI_SELECTION_INIT;
    s.exclude_names = qqi_words_make(qqi_excluded_names, 1);
    s.exclude_keywords = qqi_words_make(qqi_excluded_words, 1);
    s.types = qqi_words_make(qqi_linear_types, 1);
    s.count = -1;
    return s;
}

// A bound on the length keeps gcc from calling strlen instead.
QQI_FN size_t qqi_name_length(const char *s)
{
    size_t n = 0;

    while (n < SIZE_MAX / 2 && s[n] != '\0')
        n++;
    return n;
}

// The n characters at s are the word.
QQI_FN int qqi_name_is(const char *s, size_t n, const char *word)
{
    size_t i = 0;

    while (i < n && word[i] != '\0' && s[i] == word[i])
        i++;
    return i == n && word[i] == '\0';
}

// The word stands somewhere in s.
QQI_FN int qqi_name_has(const char *s, const char *word)
{
    const size_t n = qqi_name_length(s), m = qqi_name_length(word);

    for (size_t i = 0; i + m <= n; i++)
        if (qqi_name_is(s + i, m, word))
            return 1;
    return 0;
}

QQI_FN int qqi_name_ends(const char *s, size_t n, const char *word)
{
    const size_t m = qqi_name_length(word);

    return m <= n && qqi_name_is(s + n - m, m, word);
}

// 1 where one of the words is s, or stands in it.
QQI_FN int qqi_words_have(const qq_words *w, const char *s, int whole)
{
    for (size_t i = 0; i < w->count; i++)
        if (whole ? qqi_name_is(s, qqi_name_length(s), w->word[i])
                  : qqi_name_has(s, w->word[i]))
            return 1;
    return 0;
}

// The length of the module below which alone is looked, in the name of the
// layer that shows it first; 0: there is none.
QQI_FN size_t qqi_language_module(size_t count, const qq_layer *layers,
                                  const char **name)
{
    for (size_t i = 0; i < count; i++) {
        const char *s = layers[i].name;
        for (size_t n = 0;; n++) {
            if (s[n] != '.' && s[n] != '\0')
                continue;
            if (qqi_name_ends(s, n, "language_model") ||
                qqi_name_ends(s, n, "text_model")) {
                *name = s;
                return n;
            }
            if (s[n] == '\0')
                break;
        }
    }
    return 0;
}

// s lies below the module: its n characters, a dot, and more.
QQI_FN int qqi_name_below(const char *s, const char *module, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] == '\0' || s[i] != module[i])
            return 0;
    return s[n] == '.';
}

QQI_FN int qqi_layer_wanted(const qq_selection *s, const qq_layer *l)
{
    return qqi_words_have(&s->types, l->type, 1) &&
           (s->include_names.word == NULL ||
            qqi_words_have(&s->include_names, l->name, 1)) &&
           (s->include_keywords.word == NULL ||
            qqi_words_have(&s->include_keywords, l->name, 0)) &&
           !qqi_words_have(&s->exclude_names, l->name, 1) &&
           (s->exclude_keywords.word == NULL ||
            !qqi_words_have(&s->exclude_keywords, l->name, 0));
}

QQ_API qq_status qq_select_layers(const qq_selection *s, size_t count,
                                  const qq_layer *layers, size_t *selected,
                                  size_t *taken)
{
    const qq_selection defaults = qq_selection_init();
    const char *module = NULL;
    size_t n = 0, found = 0;

    if (s == NULL)
        s = &defaults;
    if (s->init != QQI_SELECTION_INIT || s->exclude_names.word == NULL ||
        s->types.word == NULL || s->count < -1 || taken == NULL ||
        (count > 0 && (layers == NULL || selected == NULL)))
        return QQ_ERR_ARGUMENT;
    n = qqi_language_module(count, layers, &module);
    const size_t most = s->count < 0 ? SIZE_MAX : (size_t)s->count;
    // Counted first, so that nothing is written where they are too few.
    for (size_t i = 0; i < count && found < most; i++)
        found += (n == 0 || qqi_name_below(layers[i].name, module, n)) &&
                 qqi_layer_wanted(s, layers + i);
    if (s->count >= 0 && found < most)
        return QQ_ERR_SHAPE;
    *taken = 0;
    for (size_t i = 0; i < count && *taken < found; i++)
        if ((n == 0 || qqi_name_below(layers[i].name, module, n)) &&
            qqi_layer_wanted(s, layers + i))
            selected[(*taken)++] = i;
    return QQ_OK;
}

QQ_API qq_status qq_exclude_routers(size_t experts, qq_words *words,
                                    const char **room, size_t room_words)
{
    if (words == NULL)
        return QQ_ERR_ARGUMENT;
    if (experts == 0 || qqi_words_have(words, "router", 1))
        return QQ_OK;
    if (room == NULL)
        return QQ_ERR_ARGUMENT;
    if (room_words <= words->count)
        return QQ_ERR_SIZE;
    for (size_t i = 0; i < words->count; i++)
        room[i] = words->word[i];
    room[words->count] = "router";
    *words = qqi_words_make(room, words->count + 1);
    return QQ_OK;
}

// --- settings that go together ---------------------------------------------

QQ_API qq_drive_options qq_drive_options_init(void)
{
    qq_drive_options o;

    QQ_MEMSET(&o, 0, sizeof o);
    o.init = QQI_DRIVE_INIT;
    o.quantizer = QQ_QUANTIZER_ONEBIT;
    o.group = 7;
    o.percdamp = .01;
    o.perccorr = .5;
    o.unchanged = qqi_words_make(qqi_uncorrected, 1);
    return o;
}

QQI_FN int qqi_quantizer_known(qq_quantizer q)
{
    return q >= QQ_QUANTIZER_ONEBIT && q <= QQ_QUANTIZER_FIT;
}

QQ_API qq_status qq_drive_check(const qq_drive_options *o)
{
    if (o == NULL || o->init != QQI_DRIVE_INIT)
        return QQ_ERR_ARGUMENT;
    const int one = o->quantizer != QQ_QUANTIZER_NONE;
    if (one == (o->has_list != 0))
        return QQ_ERR_ARGUMENT; // neither, or both
    if (o->quantizer_count > 0 && o->has_list && o->quantizers == NULL)
        return QQ_ERR_ARGUMENT;
    for (size_t i = 0; o->has_list && i < o->quantizer_count; i++)
        if (!qqi_quantizer_known(o->quantizers[i]))
            return QQ_ERR_TYPE;
    if (one && !qqi_quantizer_known(o->quantizer))
        return QQ_ERR_TYPE;
    if (o->has_list)
        return !o->propagate && !o->spread && o->batch_size > 0
                   ? QQ_OK
                   : QQ_ERR_ARGUMENT;
    if (o->propagate + (o->spread != 0) > 1 ||
        ((o->propagate || o->spread) && o->batch_size > 0) ||
        (o->spread && o->quantizer == QQ_QUANTIZER_RTN))
        return QQ_ERR_ARGUMENT;
    return QQ_OK;
}

QQ_API int qq_drive_corrects(const qq_drive_options *o, const char *name)
{
    return o != NULL && name != NULL && o->propagate &&
           !qqi_words_have(&o->unchanged, name, 0);
}

QQ_API int qq_keeps_8_bits(size_t index, size_t layers, size_t weights,
                           size_t all_weights, int depthwise)
{
    return index == 0 || index + 1 == layers || depthwise ||
           weights < all_weights / 50;
}

#endif // QQUANT_MODEL_SELECT_H
