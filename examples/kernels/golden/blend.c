// Goldens of blend.ts: Porter and Duff's "over" in real numbers. No sum is a half: 255 is odd.
#include "golden.h"

int main(int argc, char **argv) {
    if (argc < 2 || !is(argv[1], "over")) return unknown(argc > 1 ? argv[1] : "");
    Bytes in = all_input();
    for (unsigned char *p = in.at; p + 7 <= in.at + in.size; p += 7) {
        double alpha = p[3] / 255.0;
        for (int c = 0; c < 3; c++) put(lround(p[4 + c] + alpha * (p[c] - p[4 + c])), 1);
    }
    return 0;
}
