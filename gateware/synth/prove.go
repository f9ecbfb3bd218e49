package synth

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/gateware/synth/part"
	"github.com/capodekappa/capo/gateware/synth/proof"
)

// ErrProof: a bitstream gives other bytes than it must.
var ErrProof = errors.New("the bitstream gives other bytes")

// Run sends a frame through a kernel file's bitstream, read back and simulated (see gateware/synth/proof): some kilobytes a second.
func Run(ctx context.Context, f *artefact.File, in []byte, width int) ([]byte, error) {
	if f.Manifest.Link == nil {
		return nil, fmt.Errorf("%s is not behind the SPI wrapper, and only such bitstreams are simulated", f.Name())
	}
	p, err := part.Load(f.Manifest.Part)
	if err != nil {
		return nil, err
	}
	d, err := proof.Bitstream(ctx, f.Bitstream, p)
	if err != nil {
		return nil, err
	}
	out, err := proof.Frame(ctx, d, f.Manifest.Link, in, width)
	if err != nil {
		return nil, fmt.Errorf("simulate %s: %w", f.Name(), err)
	}
	return out, nil
}

// Prove runs a kernel file's golden vectors through its bitstream. Errors: ErrProof.
func Prove(ctx context.Context, f *artefact.File) error {
	for i, v := range f.Manifest.Golden {
		got, err := Run(ctx, f, v.In, v.Width)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, v.Out) {
			return fmt.Errorf("golden vector %d of %s: %w", i+1, f.Name(), ErrProof)
		}
	}
	return nil
}
