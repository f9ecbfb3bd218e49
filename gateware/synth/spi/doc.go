// Package spi puts a kernel's core behind the pins of an FPGA that is loaded over SPI, and tells the host which byte is
// what.
//
// There is one clock domain, SCK (mode 0, most significant bit first). Chip select high resets; eight clocks are a byte
// slot; both directions go at once. A call is one transfer:
//
//   - a header of [HeaderBytes]: width-1 and rows-1, each 16 bits, little-endian. It is always sent, and ignored by cores
//     that do not look at the geometry;
//   - the input tokens, one a period, each filled up to the period's slots;
//   - zeros, until the last output token came.
//
// An output token takes its place in a period too. Which periods carry one depends on the core's [Framing]: it is a fixed
// number of slots after the token that it belongs to; or one a period from the first on, which a mark announces; or a
// mark stands before each, where a core gives fewer tokens than it takes.
//
// A core is a module with clk, rst (synchronous), s_axis_tdata/tvalid/tready/tlast, m_axis_tdata/tvalid/tready/tlast and,
// where it needs it, width (minus one), steady from before the first token on. tdata is a token as it is on the wire, byte
// 0 in bits 7:0.
package spi

// HeaderBytes is the length of a transfer's header.
const HeaderBytes = 4

// MaxSide bounds the width and the rows that the header can say.
const MaxSide = 1 << 16

// Version names the wrapper and its wire protocol.
const Version = 1
