// Goldens of tone.ts: the curves themselves, computed for each sample.
#include "golden.h"

// IEC 61966-2-1.
static double light(double encoded) { return encoded <= 0.04045 ? encoded / 12.92 : pow((encoded + 0.055) / 1.055, 2.4); }
static double encoded(double light) { return light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055; }

int main(int argc, char **argv) {
    const char *kernel = argc > 1 ? argv[1] : "";
    Bytes in = all_input();
    if (is(kernel, "linearToSrgb")) {
        for (size_t i = 0; i < in.size / 2; i++) put((long)nearest(255 * encoded((word16(in, i) & 4095) / 4095.0)), 1);
        return 0;
    }
    for (size_t i = 0; i < in.size; i++) {
        double v = in.at[i] / 255.0;
        if (is(kernel, "gamma")) put((long)nearest(255 * exp(log(v) / 2.2)), 1);
        else if (is(kernel, "srgbToLinear")) put((long)nearest(65535 * light(v)), 2);
        else if (is(kernel, "threshold")) putchar(v > 0.5 ? 255 : 0);
        else return unknown(kernel);
    }
    return 0;
}
