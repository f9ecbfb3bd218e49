// Goldens of convolve.ts, edges.ts, rank.ts and scale.ts: filters of a pixel's neighbourhood.
#include "golden.h"

typedef struct { int width, height; unsigned char *at; } Picture;

// What is outside a picture: its nearest pixel, or its mirror image, which does not repeat the edge.
static int nearest_in(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

static int mirrored_in(int i, int n) {
    while (n > 1 && (i < 0 || i >= n)) i = i < 0 ? -i : 2 * (n - 1) - i;
    return n > 1 ? i : 0;
}

static double pixel(const Picture *p, int x, int y) { return p->at[nearest_in(y, p->height) * p->width + nearest_in(x, p->width)]; }
static double mirror(const Picture *p, int x, int y) { return p->at[mirrored_in(y, p->height) * p->width + mirrored_in(x, p->width)]; }

typedef double Filter(const Picture *p, int x, int y);

// Unsharp masking with Laplace's operator: the pixel minus the sum of second differences.
static double sharpen(const Picture *p, int x, int y) {
    double own = pixel(p, x, y);
    double across = pixel(p, x - 1, y) - 2 * own + pixel(p, x + 1, y), down = pixel(p, x, y - 1) - 2 * own + pixel(p, x, y + 1);
    return own - across - down;
}

// The pixel, and the differences in four directions across it, the diagonal one twice.
static double emboss(const Picture *p, int x, int y) {
    return pixel(p, x, y) + 2 * (pixel(p, x + 1, y + 1) - pixel(p, x - 1, y - 1)) + (pixel(p, x + 1, y) - pixel(p, x - 1, y)) +
           (pixel(p, x, y + 1) - pixel(p, x, y - 1));
}

static double choose(int n, int k) { return k == 0 ? 1 : choose(n, k - 1) * (n - k + 1) / k; }

static double gauss(const Picture *p, int x, int y) {
    double mean = 0;
    for (int dy = 0; dy <= 4; dy++)
        for (int dx = 0; dx <= 4; dx++) mean += choose(4, dx) / 16 * choose(4, dy) / 16 * pixel(p, x + dx - 2, y + dy - 2);
    return nearest(mean);
}

// Sobel and Feldman, 1968: differences in one direction, smoothed by 1 2 1 in the other.
static void slopes(const Picture *p, Filter *at, int x, int y, double *gx, double *gy) {
    *gx = *gy = 0;
    for (int i = -1; i <= 1; i++) {
        *gx += (2 - abs(i)) * (at(p, x + 1, y + i) - at(p, x - 1, y + i));
        *gy += (2 - abs(i)) * (at(p, x + i, y + 1) - at(p, x + i, y - 1));
    }
}

static double sobel(const Picture *p, int x, int y) {
    double gx, gy;
    slopes(p, pixel, x, y, &gx, &gy);
    return fabs(gx) + fabs(gy);
}

static double gradient(const Picture *p, int x, int y) {
    double gx, gy;
    slopes(p, mirror, x, y, &gx, &gy);
    return floor(sqrt(gx * gx + gy * gy));
}

static int by_value(const void *a, const void *b) { return *(const unsigned char *)a - *(const unsigned char *)b; }

static double ranked(const Picture *p, int x, int y, int rank) {
    unsigned char v[9];
    for (int i = 0; i < 9; i++) v[i] = (unsigned char)pixel(p, x + i % 3 - 1, y + i / 3 - 1);
    qsort(v, 9, 1, by_value);
    return v[rank];
}

static double erode(const Picture *p, int x, int y) { return ranked(p, x, y, 0); }
static double median(const Picture *p, int x, int y) { return ranked(p, x, y, 4); }
static double dilate(const Picture *p, int x, int y) { return ranked(p, x, y, 8); }

static double half(const Picture *p, int x, int y) {
    return nearest((pixel(p, x, y) + pixel(p, x + 1, y) + pixel(p, x, y + 1) + pixel(p, x + 1, y + 1)) / 4);
}

int main(int argc, char **argv) {
    static const struct { const char *name; Filter *f; int step; } filters[] = {
        {"sharpen", sharpen, 1}, {"emboss", emboss, 1}, {"gauss", gauss, 1}, {"sobel", sobel, 1}, {"gradient", gradient, 1},
        {"erode", erode, 1}, {"median", median, 1}, {"dilate", dilate, 1}, {"half", half, 2},
    };
    if (argc < 3) return unknown("without a width");
    Bytes in = all_input();
    int width = atoi(argv[2]);
    Picture p = {width, (int)in.size / width, in.at};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (!is(argv[1], filters[i].name)) continue;
        for (int y = 0; y < p.height; y += filters[i].step)
            for (int x = 0; x < p.width; x += filters[i].step) put((long)within(filters[i].f(&p, x, y), 0, 255), 1);
        return 0;
    }
    return unknown(argv[1]);
}
