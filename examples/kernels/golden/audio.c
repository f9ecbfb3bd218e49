// Goldens of audio.ts: sums of products, and a difference equation, over the whole sound at once.
#include "golden.h"

static double sample(Bytes in, long i) { return i < 0 ? 0 : word16(in, (size_t)i); }

static void put16(double v) { put((long)within(v, -32768, 32767), 2); }

static void convolution(Bytes in, const double *weights, int taps, int hop, int round_up) {
    for (long n = 0; n < (long)in.size / 2; n += hop) {
        double sum = 0;
        for (int k = 0; k < taps; k++) sum += weights[k] * sample(in, n - k);
        put16(floor(sum + (round_up ? 0.5 : 0)));
    }
}

// An ideal filter at a quarter of the sampling rate, sin(πn/2)/πn, under Hamming's window, to 15 binary digits.
static void halfband(double h[15]) {
    const double pi = acos(-1);
    for (int n = -7; n <= 7; n++) {
        double ideal = n ? sin(pi * n / 2) / (pi * n) : 0.5, hamming = 0.54 - 0.46 * cos(2 * pi * (n + 7) / 14);
        h[n + 7] = ldexp(rint(ldexp(ideal * hamming, 15)), -15);
    }
}

// A Butterworth low pass of second order, by the bilinear transform s = (1 - z)/(1 + z)/tan(w/2) of 1/(s² + √2 s + 1), to 16 binary digits.
// Its output is kept to 1/256.
static void butterworth(Bytes in, double frequency) {
    const double t = tan(acos(-1) * frequency), norm = 1 + sqrt(2) * t + t * t;
    const double b = ldexp(rint(ldexp(t * t / norm, 16)), -16), twice = ldexp(rint(ldexp(2 * t * t / norm, 16)), -16);
    const double a1 = ldexp(rint(ldexp(2 * (t * t - 1) / norm, 16)), -16), a2 = ldexp(rint(ldexp((1 - sqrt(2) * t + t * t) / norm, 16)), -16);
    double last = 0, before = 0;
    for (long n = 0; n < (long)in.size / 2; n++) {
        double y = b * (sample(in, n) + sample(in, n - 2)) + twice * sample(in, n - 1) - a1 * last - a2 * before;
        y = nearest(y * 256) / 256;
        put16(nearest(y));
        before = last;
        last = within(y, -32768, 32768 - 1 / 256.0);
    }
}

static void mixed(Bytes in, int words, double a, double b) {
    for (size_t i = 0; i < in.size / (2 * (size_t)words); i++) {
        unsigned char *gains = in.at + 6 * i + 4;
        if (words == 3) a = gains[0] / 128.0, b = gains[1] / 128.0;
        put16(nearest(a * word16(in, i * words) + b * word16(in, i * words + 1)));
    }
}

int main(int argc, char **argv) {
    const char *kernel = argc > 1 ? argv[1] : "";
    const double binomial[5] = {1 / 16.0, 4 / 16.0, 6 / 16.0, 4 / 16.0, 1 / 16.0};
    double h[15];
    halfband(h);
    Bytes in = all_input();
    if (is(kernel, "fir")) convolution(in, binomial, 5, 1, 0);
    else if (is(kernel, "decimate")) convolution(in, h, 15, 2, 1);
    else if (is(kernel, "biquad")) butterworth(in, 1000.0 / 16000);
    else if (is(kernel, "mix")) mixed(in, 2, 0.75, 0.5);
    else if (is(kernel, "mixer")) mixed(in, 3, 0, 0);
    else return unknown(kernel);
    return 0;
}
