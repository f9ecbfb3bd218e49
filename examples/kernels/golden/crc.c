// Goldens of crc.ts: the division of polynomials itself, bit by bit with the highest power first, as IEEE 802.3 (3.2.9) describes it.
#include "golden.h"

static uint32_t reversed(uint32_t v, int bits) {
    uint32_t r = 0;
    for (int i = 0; i < bits; i++) r |= (v >> i & 1) << (bits - 1 - i);
    return r;
}

int main(int argc, char **argv) {
    if (argc < 2 || !is(argv[1], "crc32")) return unknown(argc > 1 ? argv[1] : "");
    Bytes in = all_input();
    uint32_t remainder = 0xffffffff;
    for (size_t i = 0; i < in.size; i++) {
        remainder ^= reversed(in.at[i], 8) << 24;
        for (int bit = 0; bit < 8; bit++) {
            uint32_t carry = remainder >> 31;
            remainder <<= 1;
            if (carry) remainder ^= 0x04c11db7;
        }
    }
    if (in.size > 0) put((long)(uint32_t)~reversed(remainder, 32), 4);
    return 0;
}
