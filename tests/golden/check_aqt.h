// What the checkers of aqt share: from the words of a case to a scheme.

#ifndef QQUANT_TESTS_GOLDEN_CHECK_AQT_H
#define QQUANT_TESTS_GOLDEN_CHECK_AQT_H

#include "checkers.h"

// The scheme that the words of a setting describe: numerics, and calibration
// if these words or those of the setting calibration have one. FJFormer does
// not cast codes. Arrays and a list of clips live as long as the case.
qq_scheme aqt_scheme(struct golden_case *c, const char *words);

// A word that is there and is yes; that is there and is w.
int aqt_yes(struct golden_case *c, const char *words, const char *word);
int aqt_is(struct golden_case *c, const char *words, const char *word,
           const char *w);

// Marks the axes that share a scale: those of the words (shared), else those
// of the case (axes, which may be absent or not given). 0, and the status is
// judged, if that is refused.
int aqt_share(struct golden_case *c, const char *words, qq_scheme *s,
              unsigned rank);

// The key and the layout of the case; a layout of 0, which says that there is
// no key, where one is wanted and not there.
void aqt_key(struct golden_case *c, qq_scheme *s);

// The two rules of division, both of which each checker follows.
extern const qq_division aqt_divisions[2];

// Quantizes x into memory of the case. 0 if that is refused, after judging.
int aqt_quantize(struct golden_case *c, const qq_tensor *x, const qq_scheme *s,
                 qq_array *a);

#endif // QQUANT_TESTS_GOLDEN_CHECK_AQT_H
