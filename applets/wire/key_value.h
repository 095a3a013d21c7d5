/* SPDX-License-Identifier: GPL-2.0-only */
/* "key=value" words between blanks; the last key's value is free text. Pure. */
#ifndef KT_WORDS_H
#define KT_WORDS_H 1

#include "libbb.h"

/* Where the value of KEY begins; NULL when there is none. What follows "LAST=" is not looked into. */
const char *kt_value_of(const char *text, const char *key, const char *last) FAST_FUNC;

#endif
