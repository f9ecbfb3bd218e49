// What the programs of this folder share. Each takes a kernel's name and the width of a row, reads the words of one call from standard input, and
// writes the words that the kernel's definition gives to standard output: little-endian, 1, 2 or 4 bytes each, no header.
// They compute from the definitions, in floating point where those have real numbers; nothing here looks at the kernels in JavaScript.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { size_t size; unsigned char *at; } Bytes;

static inline Bytes all_input(void) {
    Bytes b = {0, NULL};
    for (size_t room = 1 << 16;; room *= 2) {
        b.at = realloc(b.at, room);
        if (!b.at) { perror("memory"); exit(1); }
        b.size += fread(b.at + b.size, 1, room - b.size, stdin);
        if (b.size < room) return b;
    }
}

static inline long word16(Bytes b, size_t i) { return (int16_t)(b.at[2 * i] | b.at[2 * i + 1] << 8); }

static inline void put(long v, int bytes) {
    for (int i = 0; i < bytes; i++) putchar((int)((unsigned long)v >> 8 * i & 255));
}

// To the nearest whole number; a half goes up.
static inline double nearest(double v) { return floor(v + 0.5); }

static inline double within(double v, double least, double greatest) { return fmin(fmax(v, least), greatest); }

static inline int is(const char *a, const char *b) { return strcmp(a, b) == 0; }

static inline int unknown(const char *name) {
    fprintf(stderr, "no kernel %s here\n", name);
    return 2;
}
