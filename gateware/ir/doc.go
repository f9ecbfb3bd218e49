// Package ir is the kernel compiler's intermediate form: a small SSA over integers.
//
// A [Kernel] is one stage, or several that were piped. A [Stage] says what a call of its function takes from the input
// stream and what it gives (types, shape, edges), and has a [Func]: a list of values in which operands stand before their
// users. Every value is a mathematical integer with a range, an interval that no run can leave; arithmetic never wraps, but in
// the wrap operations. The width of a value is what its range needs. So an engine may choose any lane or wire that holds the range.
//
// One exception: what stands in an arm that is not taken may leave its range (see [Bound]); no engine may crash of it, and
// nothing comes out of it.
//
// The text form (print with String, read with [Parse]) is canonical: its SHA-256 is the kernel's digest. It is a line for
// each value; what stands behind a semicolon is for the reader.
package ir
