package soft

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/capodekappa/capo/gateware/frame"
	"github.com/capodekappa/capo/gateware/ir"
)

// choose makes the fastest engine.
func choose(_ context.Context, k *ir.Kernel) (string, runner, error) {
	for _, s := range k.Stages {
		if s.Shape != ir.WordShape {
			return "", nil, errors.New("not a word kernel")
		}
	}
	return "batch", plain{k}, nil
}

// plain calls the body token by token.
type plain struct{ k *ir.Kernel }

func (p plain) Close(context.Context) error { return nil }

func (p plain) Run(ctx context.Context, in []byte, width int) ([]byte, error) {
	plan, err := frame.New(p.k, len(in), width)
	if err != nil {
		return nil, err
	}
	for i, s := range p.k.Stages {
		in = stage(s, in, plan.Stages[i].In)
	}
	return in, ctx.Err()
}

func stage(s *ir.Stage, in []byte, size frame.Size) []byte {
	var out []byte
	leaves, outs := s.In.Leaves(), s.Out.Leaves()
	for t := range size.Tokens() {
		v := make([]int64, len(leaves))
		for i, l := range leaves {
			v[i] = get(&in, l.Word)
		}
		got, _ := s.Body.Eval(ir.Call{In: func(p ir.Port) int64 { return v[p.Leaf] }, X: int64(t % size.Width), Y: int64(t / size.Width), I: int64(t)}, nil)
		for i, l := range outs {
			out = put(out, l.Word, got[i])
		}
	}
	return out
}

func get(in *[]byte, w ir.Word) int64 {
	var b [8]byte
	copy(b[:], (*in)[:w.Bytes()])
	*in = (*in)[w.Bytes():]
	v := int64(binary.LittleEndian.Uint64(b[:]))
	if w.Signed {
		return ir.Apply(ir.WrapS, int64(w.Bits), v, 0, 0)
	}
	return ir.Apply(ir.WrapU, int64(w.Bits), v, 0, 0)
}

func put(out []byte, w ir.Word, v int64) []byte {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	return append(out, b[:w.Bytes()]...)
}
