// Package spi puts a kernel's core behind the pins of an FPGA that is loaded over SPI, and tells the host which byte is
// what.
//
// There is one clock domain, SCK (mode 0, most significant bit first). Chip select high resets; eight clocks are a byte
// slot; both directions go at once. A call is one transfer:
//
//   - a header of [HeaderBytes]: width-1 and rows-1, each 16 bits, little-endian. It is always sent, and ignored by cores
//     that do not look at the geometry;
//   - the input tokens, each in a period of max(bytes in, bytes out) slots, filled up behind the token;
//   - zeros, until the last output token came.
//
// Which period carries which output token is no flag on the wire but a function of the geometry, [Link.Schedule].
//
// What a core must do (the protocol between gateware/verilog and this package): a module with clk, rst (synchronous),
// s_axis_tdata/tvalid/tready/tlast, m_axis_tdata/tvalid/tready/tlast and, where it needs them, width and rows (each minus
// one), steady from before the first token on. It takes a token in any clock unless it flushes, and its [Stage]s say how
// many clocks later a token's output is handed over. A stage stands still as a whole while its output is not taken; the
// wrapper takes at most one token a period, always in the same clock of the period.
package spi

// HeaderBytes is the length of a transfer's header.
const HeaderBytes = 4

// MaxSide bounds the width and the rows that the header can say.
const MaxSide = 1 << 16

// Version names the wrapper and its wire protocol.
const Version = 1
