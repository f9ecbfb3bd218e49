// Package proof runs hardware on a simulator that knows nothing of Capo: a design's Verilog, or the bitstream itself,
// turned back into Verilog by Project IceStorm (iceunpack, icebox_vlog) and run by Icarus Verilog with the models of an
// iCE40's cells that come with yosys. What goes in and comes out are the bytes on the SPI pins.
//
// The way back does not know every cell: multipliers (DSP) are left out silently and PLLs are black boxes, so neither is
// used in what is to be proved.
package proof
