/* What this firmware uses of string.h; the definitions are in startup.c. There is no C library on this board. */
#ifndef ANZEN_BOARD_STM32F405_STRING_H
#define ANZEN_BOARD_STM32F405_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int value, size_t n);

#endif
