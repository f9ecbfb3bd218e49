// Goldens of adpcm.ts, after IMA's Recommended Practices (1992). A code c stands for the difference (c + 1/2) · step / 4, each part of it rounded down;
// the coder takes the greatest code whose difference without the half is not above the one that it has to tell.
#include "golden.h"

// The step sizes, as the document lists them.
static const int steps[] = {
    7,    8,    9,    10,   11,   12,   13,   14,   16,   17,   19,   21,    23,    25,    28,    31,    34,    37,    41,    45,    50,    55,    60,
    66,   73,   80,   88,   97,   107,  118,  130,  143,  157,  173,  190,   209,   230,   253,   279,   307,   337,   371,   408,   449,   494,   544,
    598,  658,  724,  796,  876,  963,  1060, 1166, 1282, 1411, 1552, 1707,  1878,  2066,  2272,  2499,  2749,  3024,  3327,  3660,  4026,  4428,  4871,
    5358, 5894, 6484, 7132, 7845, 8630, 9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
};
enum { COUNT = sizeof steps / sizeof *steps };

typedef struct { int at, sample; } Coder;

// parts adds up what the bits of a code stand for: the whole step, its half and its quarter.
static int parts(int step, int code) {
    static const int divisor[3] = {4, 2, 1};
    int sum = 0;
    for (int bit = 0; bit < 3; bit++)
        if (code >> bit & 1) sum += step / divisor[bit];
    return sum;
}

static void move(Coder *c, int code) {
    int size = parts(steps[c->at], code & 7) + steps[c->at] / 8;
    c->sample = (int)within(c->sample + (code & 8 ? -size : size), -32768, 32767);
    c->at = (int)within(c->at + ((code & 7) < 4 ? -1 : 2 * (code & 7) - 6), 0, COUNT - 1);
}

static int code_for(const Coder *c, int sample) {
    int difference = abs(sample - c->sample), code = 7;
    while (code > 0 && parts(steps[c->at], code) > difference) code--;
    return sample < c->sample ? code + 8 : code;
}

int main(int argc, char **argv) {
    const char *kernel = argc > 1 ? argv[1] : "";
    const int encode = is(kernel, "encode");
    if (!encode && !is(kernel, "decode")) return unknown(kernel);
    Bytes in = all_input();
    Coder c = {0, 0};
    for (size_t i = 0; i < in.size / (encode ? 2 : 1); i++) {
        int code = encode ? code_for(&c, (int)word16(in, i)) : in.at[i] & 15;
        move(&c, code);
        put(encode ? code : c.sample, encode ? 1 : 2);
    }
    return 0;
}
