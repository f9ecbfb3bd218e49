// Goldens of colour.ts, from ITU-R BT.601, BT.709 and JFIF. Coefficients are what a probe with unit colours shows, rounded to the kernels' precision.
#include "golden.h"

typedef struct { double r, g, b, black, luma, chroma; } Standard;
typedef void Conversion(const Standard *s, const double from[3], double to[3]);

// Y' = r R + g G + b B, Cb and Cr the differences B - Y' and R - Y' scaled to [-1/2, 1/2]; the values here are without offsets.
static void to_ycbcr(const Standard *s, const double rgb[3], double ycc[3]) {
    double r = rgb[0] / 255, g = rgb[1] / 255, b = rgb[2] / 255, y = s->r * r + s->g * g + s->b * b;
    ycc[0] = s->luma * y;
    ycc[1] = s->chroma * (b - y) / (2 * (1 - s->b));
    ycc[2] = s->chroma * (r - y) / (2 * (1 - s->r));
}

static void to_rgb(const Standard *s, const double ycc[3], double rgb[3]) {
    double y = ycc[0] / s->luma;
    double b = y + ycc[1] / s->chroma * 2 * (1 - s->b), r = y + ycc[2] / s->chroma * 2 * (1 - s->r);
    rgb[0] = 255 * r;
    rgb[1] = 255 * (y - s->r * r - s->b * b) / s->g;
    rgb[2] = 255 * b;
}

static void convert(Bytes in, const Standard *s, Conversion *f, const double before[3], const double after[3]) {
    double column[3][3];
    for (int i = 0; i < 3; i++) {
        double unit[3] = {i == 0, i == 1, i == 2};
        f(s, unit, column[i]);
    }
    for (size_t p = 0; p + 3 <= in.size; p += 3)
        for (int o = 0; o < 3; o++) {
            double v = after[o];
            for (int i = 0; i < 3; i++) v += rint(ldexp(column[i][o], 16)) / 65536 * (in.at[p + i] - before[i]);
            put((long)within(nearest(v), 0, 255), 1);
        }
}

// The weights in 256ths, together 256: what rounding down leaves over goes to the greatest remainders.
static void brightness(Bytes in, const Standard *s) {
    double exact[3] = {256 * s->r, 256 * s->g, 256 * s->b}, w[3];
    int left = 256;
    for (int i = 0; i < 3; i++) left -= (int)(w[i] = floor(exact[i]));
    for (; left > 0; left--) {
        int most = 0;
        for (int i = 1; i < 3; i++)
            if (exact[i] - w[i] > exact[most] - w[most]) most = i;
        w[most]++;
    }
    for (size_t p = 0; p + 3 <= in.size; p += 3)
        put((long)nearest((w[0] * in.at[p] + w[1] * in.at[p + 1] + w[2] * in.at[p + 2]) / 256), 1);
}

int main(int argc, char **argv) {
    const char *kernel = argc > 1 ? argv[1] : "";
    const Standard jpeg = {0.299, 0.587, 0.114, 0, 255, 255}, hd = {0.2126, 0.7152, 0.0722, 16, 219, 224};
    const Standard *s = strstr(kernel, "709") ? &hd : &jpeg;
    const double none[3] = {0, 0, 0}, offsets[3] = {s->black, 128, 128};
    Bytes in = all_input();
    if (is(kernel, "gray") || is(kernel, "gray709")) brightness(in, s);
    else if (is(kernel, "ycbcr601") || is(kernel, "ycbcr709")) convert(in, s, to_ycbcr, none, offsets);
    else if (is(kernel, "rgb601") || is(kernel, "rgb709")) convert(in, s, to_rgb, offsets, none);
    else return unknown(kernel);
    return 0;
}
