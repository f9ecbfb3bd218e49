// Package verilog writes kernels as hardware: a portable core (Verilog-2001, no primitives), a test bench that checks it, and folders that
// the vendors' tools open.
//
// A core is a module with a clock, a synchronous reset and two AXI streams, of tokens as they are on the wire (byte 0 of a token is in
// bits 7:0). It takes a token a clock, holds when what follows it holds, and begins anew after the token with tlast.
// Where rows matter it has an input width, the tokens of a row minus one, which it reads before a frame's first token.
// A window's stage takes no tokens while it gives what lies below a frame's last row. A row of one token takes a window two clocks.
//
// Inside, words have exactly the width that their range needs. All vectors are unsigned; a sign is extended where it is needed.
package verilog
