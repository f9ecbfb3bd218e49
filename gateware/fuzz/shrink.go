package fuzz

import (
	"context"
	"strings"
)

// shrink makes a mismatch smaller: lines of the source that can go without the engines agreeing are left out, and the smallest
// frame that shows it is kept.
func shrink(ctx context.Context, m *Mismatch, engines []Engine) error {
	var only []Engine
	for _, e := range engines {
		if e.Name == m.Engine {
			only = []Engine{e}
		}
	}
	for again := true; again && ctx.Err() == nil; {
		again = false
		lines := strings.SplitAfter(m.Case.Source, "\n")
		for i, line := range lines {
			if line == "" {
				continue
			}
			c := m.Case
			c.Source = strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
			if smaller := stillBad(ctx, c, m, only); smaller != nil {
				m, again = smaller, true
				break
			}
		}
	}
	return m
}

// stillBad tells whether a smaller case shows the same fault; nil if not.
func stillBad(ctx context.Context, c Case, m *Mismatch, only []Engine) *Mismatch {
	if m.Engine == "js" || len(only) == 0 {
		return nil // a refusal or a fault in goja: any change is another one
	}
	kernels, src, err := compile(ctx, []Case{c})
	if err != nil {
		return nil
	}
	got, err := compareOne(ctx, c, kernels[0], src, only, &Tally{})
	if err != nil || got == nil || got.Engine != m.Engine {
		return nil
	}
	got.Size = m.Size
	return got
}
