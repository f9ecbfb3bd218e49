// Package sched turns the body of a kernel's stage into hardware: a [Graph] of operations and delays, made small for a fabric of
// look-up tables and carry chains, and the placing of its pipeline registers by a model of a part's delays.
//
// A graph is evaluated once for each step of a stream. A step is a token, or one of those that a window makes up below a
// frame. A [Delay] gives what its operand was one step ago. Constant factors have become shifts and adds, quotients products,
// products sums. What is computed of one column of a window, or of one tap, is computed once and delayed: a value of w[r][c] now is
// that of w[r][c+1] a step ago.
//
// [Place] gives each operation a pipeline stage. A register between stage s and s+1 takes what belongs to a step when that step
// leaves stage s, so that a delay of one step in stage s and the pipeline's own register behind it are the same flip-flops.
package sched
