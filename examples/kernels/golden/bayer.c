// Goldens of bayer.ts: what a pixel of the mosaic lacks is the mean of those of the eight around it that have it.
#include "golden.h"

enum { RED, GREEN, BLUE };

static int colour_at(int x, int y) { return (x & 1) == (y & 1) ? (x & 1 ? BLUE : RED) : GREEN; }

static int mirrored_in(int i, int n) {
    if (n == 1) return 0;
    return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}

int main(int argc, char **argv) {
    if (argc < 3 || !is(argv[1], "demosaic")) return unknown(argc > 1 ? argv[1] : "");
    Bytes in = all_input();
    int width = atoi(argv[2]), height = (int)in.size / width;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int colour = RED; colour <= BLUE; colour++) {
                double sum = 0, count = 0;
                for (int dy = -1; dy <= 1; dy++)
                    for (int dx = -1; dx <= 1; dx++) {
                        if (colour_at(x + dx, y + dy) != colour || (colour == GREEN && dx && dy)) continue;
                        if (colour == colour_at(x, y) && (dx || dy)) continue;
                        sum += in.at[mirrored_in(y + dy, height) * width + mirrored_in(x + dx, width)];
                        count++;
                    }
                put((long)nearest(sum / count), 1);
            }
    return 0;
}
