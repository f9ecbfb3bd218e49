// Package kernels is the library of kernels that stands beside it as TypeScript, one file a family, with what its tests and its pictures need.
//
// Each file exports kernels, and as golden a list of what they must give: the name of a kernel, the files of an input and an output, and the width of a
// row where the input's file does not say it. A file ending in .ppm or .pgm is a picture (netpbm, binary, 8 bits), whose pixels are the words and
// whose width is the frame's; any other file is the words as they are on the wire.
//
// The outputs in testdata come from the C programs in golden, which compute from the definitions. A test makes them anew and compares.
package kernels
