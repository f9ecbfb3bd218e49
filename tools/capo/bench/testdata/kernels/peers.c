// The obvious loops, for `capo bench kernels`: peers KERNEL FRAMES prints the words per second, in millions, of CPU time, and a sum
// of the output.
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { W = 1920, H = 1080 };

static void gray(const uint8_t *restrict in, uint8_t *restrict out) {
  for (int i = 0; i < W * H; i++)
    out[i] = (77 * in[3 * i] + 150 * in[3 * i + 1] + 29 * in[3 * i + 2] + 128) >> 8;
}

static void fir(const int16_t *restrict in, int16_t *restrict out) {
  for (int i = 0; i < W * H; i++) // four zeros stand before in
    out[i] = (in[i] + 4 * in[i - 1] + 6 * in[i - 2] + 4 * in[i - 3] + in[i - 4]) >> 4;
}

static int at(int i, int n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

static uint8_t magnitude(int gx, int gy) {
  int s = abs(gx) + abs(gy);
  return s > 255 ? 255 : s;
}

static void sobel(const uint8_t *restrict in, uint8_t *restrict out) {
  for (int y = 0; y < H; y++) {
    const uint8_t *a = in + at(y - 1, H) * W, *b = in + y * W, *c = in + at(y + 1, H) * W;
    uint8_t *o = out + y * W;
    for (int x = 1; x < W - 1; x++)
      o[x] = magnitude(a[x + 1] + 2 * b[x + 1] + c[x + 1] - a[x - 1] - 2 * b[x - 1] - c[x - 1],
                       c[x - 1] + 2 * c[x] + c[x + 1] - a[x - 1] - 2 * a[x] - a[x + 1]);
    for (int x = 0; x < W; x += W - 1) {
      int l = at(x - 1, W), r = at(x + 1, W);
      o[x] = magnitude(a[r] + 2 * b[r] + c[r] - a[l] - 2 * b[l] - c[l], c[l] + 2 * c[x] + c[r] - a[l] - 2 * a[x] - a[r]);
    }
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  const char *kernel = argv[1];
  int frames = atoi(argv[2]);
  uint8_t *in = calloc(1, 16 + 3 * W * H), *out = calloc(2, W * H);
  if (!in || !out)
    return 1;
  for (int i = 0; i < 3 * W * H; i++)
    in[16 + i] = (uint32_t)i * 2654435761u >> 24;
  double begun = 0;
  for (int f = -3; f < frames; f++) {
    if (f == 0)
      begun = now();
    if (!strcmp(kernel, "gray"))
      gray(in + 16, out);
    else if (!strcmp(kernel, "fir"))
      fir((int16_t *)(in + 16), (int16_t *)out);
    else
      sobel(in + 16, out);
    __asm__ volatile("" ::: "memory");
  }
  double rate = (double)W * H * frames / (now() - begun) / 1e6;
  uint32_t sum = 0;
  for (int i = 0; i < W * H * (strcmp(kernel, "fir") ? 1 : 2); i++)
    sum = sum * 31 + out[i];
  printf("%.1f %u\n", rate, sum);
  return 0;
}
