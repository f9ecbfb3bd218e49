// What libjpeg stores of a gray picture at quality 50: the quantised frequencies of each 8×8 tile, tile after tile, 16 bits each. Pixels come on standard
// input; the arguments are the width and a tile's DCT, islow or float.
#include "../golden/golden.h"
#include <jpeglib.h>

int main(int argc, char **argv) {
    if (argc < 3) return unknown("without a width and a DCT");
    Bytes in = all_input(), file = {0, NULL};
    unsigned long size = 0;
    struct jpeg_error_mgr errors;

    struct jpeg_compress_struct to = {.err = jpeg_std_error(&errors)};
    jpeg_create_compress(&to);
    jpeg_mem_dest(&to, &file.at, &size);
    to.image_width = (JDIMENSION)atoi(argv[1]);
    to.image_height = (JDIMENSION)in.size / to.image_width;
    to.input_components = 1;
    to.in_color_space = JCS_GRAYSCALE;
    jpeg_set_defaults(&to);
    jpeg_set_quality(&to, 50, TRUE);
    to.dct_method = is(argv[2], "float") ? JDCT_FLOAT : JDCT_ISLOW;
    jpeg_start_compress(&to, TRUE);
    while (to.next_scanline < to.image_height) {
        JSAMPROW row = in.at + to.next_scanline * to.image_width;
        jpeg_write_scanlines(&to, &row, 1);
    }
    jpeg_finish_compress(&to);

    struct jpeg_decompress_struct from = {.err = &errors};
    jpeg_create_decompress(&from);
    jpeg_mem_src(&from, file.at, size);
    jpeg_read_header(&from, TRUE);
    jvirt_barray_ptr *tiles = jpeg_read_coefficients(&from);
    for (JDIMENSION y = 0; y < from.comp_info->height_in_blocks; y++) {
        JBLOCKARRAY row = from.mem->access_virt_barray((j_common_ptr)&from, tiles[0], y, 1, FALSE);
        for (JDIMENSION x = 0; x < from.comp_info->width_in_blocks; x++)
            for (int i = 0; i < DCTSIZE2; i++) put(row[0][x][i], 2);
    }
    return 0;
}
