/* SPDX-License-Identifier: GPL-2.0-only */
/* "key=value" words between blanks; the last key's value is free text. Pure. */
#ifndef KT_KEY_VALUE_H
#define KT_KEY_VALUE_H 1

#include "libbb.h"

/* Where the value of KEY begins; NULL when there is none. What follows "LAST=" is not looked into. */
const char *kt_value_of(const char *text, const char *key, const char *last) FAST_FUNC;

/* The decimal number that it begins with; 0 when there is no such key. */
unsigned long long kt_number_of(const char *text, const char *key, const char *last) FAST_FUNC;

#endif
