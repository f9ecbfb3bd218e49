// Goldens of dct.ts, from ITU-T T.81: A.3.3 as products with a matrix of cosines, which like the results have as many binary digits as the kernels keep.
#include "golden.h"

// Table K.1, by rows.
static const int luminance[8][8] = {
    {16, 11, 10, 16, 24, 40, 51, 61},     {12, 12, 14, 19, 26, 58, 60, 55},     {14, 13, 16, 24, 40, 57, 69, 56},     {14, 17, 22, 29, 51, 87, 80, 62},
    {18, 22, 37, 56, 68, 109, 103, 77},   {24, 35, 55, 64, 81, 104, 113, 92},   {49, 64, 78, 87, 103, 121, 120, 101}, {72, 92, 95, 98, 112, 100, 103, 99},
};

static double digits(double v, int binary) { return ldexp(nearest(ldexp(v, binary)), -binary); }

static double basis(int frequency, int at) {
    double scale = frequency ? 0.5 : sqrt(0.125);
    return digits(scale * cos((2 * at + 1) * frequency * acos(-1) / 16), 10);
}

// One frequency of eight samples that lie step apart.
static double frequency(const double *v, int step, int u, int binary) {
    double sum = 0;
    for (int i = 0; i < 8; i++) sum += basis(u, i) * v[i * step];
    return digits(sum, binary);
}

static void rows(const double in[64], double out[64]) {
    for (int i = 0; i < 64; i++) out[i] = frequency(in + i / 8 * 8, 1, i % 8, 2);
}

static void columns(const double in[64], double out[64]) {
    for (int i = 0; i < 64; i++) out[i] = frequency(in + i % 8, 8, i / 8, 0);
}

static void quantise(const double in[64], double out[64]) {
    for (int i = 0; i < 64; i++) out[i] = round(in[i] / luminance[i / 8][i % 8]);
}

int main(int argc, char **argv) {
    if (argc < 3) return unknown("without a width");
    const char *kernel = argv[1];
    const int pixels = is(kernel, "dct") || is(kernel, "dctRows") || is(kernel, "jpeg");
    if (!pixels && !is(kernel, "dctColumns") && !is(kernel, "quantise")) return unknown(kernel);
    Bytes in = all_input();
    const int width = atoi(argv[2]) > 0 ? atoi(argv[2]) : 8, words = (int)in.size / (pixels ? 1 : 2);
    double *out = calloc(words + 64, sizeof *out);
    for (int tile = 0; tile < words / 64; tile++) {
        const int corner = tile / (width / 8) * 8 * width + tile % (width / 8) * 8;
        double a[64], b[64];
        for (int i = 0; i < 64; i++) {
            int at = corner + i / 8 * width + i % 8;
            a[i] = pixels ? in.at[at] - 128.0 : is(kernel, "dctColumns") ? word16(in, at) / 4.0 : word16(in, at);
        }
        if (pixels) rows(a, b), memcpy(a, b, sizeof a);
        if (!is(kernel, "dctRows") && !is(kernel, "quantise")) columns(a, b), memcpy(a, b, sizeof a);
        if (is(kernel, "quantise") || is(kernel, "jpeg")) quantise(a, b), memcpy(a, b, sizeof a);
        for (int i = 0; i < 64; i++) out[corner + i / 8 * width + i % 8] = is(kernel, "dctRows") ? 4 * a[i] : a[i];
    }
    for (int i = 0; i < words; i++) put((long)out[i], 2);
    return 0;
}
