// Package synth makes bitstreams of kernels' hardware: a core (a Verilog module that keeps to the protocol of
// gateware/synth/spi) goes behind the SPI wrapper, through yosys, nextpnr and the packer of the part's family, and comes
// out as bytes for the part with a report of what it takes.
//
// The same core, part, options and tools give the same bytes, so results are kept by content in the cache folder. No
// multipliers (DSP), PLLs or other hard blocks but block RAM are used: what comes out can be read back and proved
// (gateware/synth/proof).
package synth
