package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/gateware/synth/artefact"
	"github.com/capodekappa/capo/gateware/synth/vendor"
)

func (a *app) kernelImportCmd() *cobra.Command {
	var partName, out string
	c := &cobra.Command{
		Use: "import FILE#NAME BITSTREAM", Short: "Take a bitstream that a vendor's tool made of a kernel",
		Long: "Take a bitstream that a vendor's tool made of the project that `capo kernel verilog` wrote. What it says of its part is compared with --part: the name in\n" +
			"the header of a .bit, the IDCODE of a .bit or .bin, the size of an .rbf (which says no more). NAME.PART.kernel is written beside the source, with\n" +
			"golden vectors for the bitstream to answer. Exit code 4 if it is for another part.",
		Example: "  capo kernel import edges.ts#sobel build/capo.bit --part xc7z020clg400\n  capo kernel import edges.ts#sobel sobel.rbf --part 5cseba6",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			if partName == "" {
				return usage(errors.New("--part says which part the bitstream is for"))
			}
			return a.kernelImport(c.Context(), args[0], args[1], partName, out)
		},
	}
	c.Flags().StringVar(&partName, "part", "", "the `part`, as xc7z020clg400 or 5cseba6")
	c.Flags().StringVar(&out, "out", "", "write into this `folder` instead, or this file")
	return c
}

func (a *app) kernelImport(ctx context.Context, target, path, partName, out string) error {
	t, err := oneTarget(target)
	if err != nil {
		return err
	}
	bitstream, err := readBitstream(path)
	if err != nil {
		return err
	}
	info, err := vendor.Identify(bitstream)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := info.Fits(partName); err != nil {
		return coded{fmt.Errorf("%s: %w", path, err), exitRefused}
	}
	sources, err := a.compileTarget(ctx, t.String())
	if err != nil {
		return err
	}
	s := sources[0]
	f := &artefact.File{Bitstream: bitstream, Manifest: artefact.Manifest{Name: s.Name, Text: s.text(), Part: partName, Kind: "vendor", Tools: map[string]string{}}}
	if info.IDCODE != 0 {
		f.Manifest.IDCODE = fmt.Sprintf("0x%08x", info.IDCODE)
	}
	if info.Tool != "" {
		f.Manifest.Tools["vivado"] = info.Tool
	}
	if f.Manifest.Golden, err = s.vectors(ctx, a); err != nil {
		return err
	}
	data, err := artefact.Encode(f)
	if err != nil {
		return err
	}
	written, err := s.writeBeside(out, f.Name(), data)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "%s: %s of %d bytes, %d golden vectors\n", written, info.Format, info.Bytes, len(f.Manifest.Golden))
	return a.showKernels([]kernelRow{{Name: s.Name, Part: pointer(partName), Engine: engineBitstream, Digest: pointer(digestOfAll([][]byte{data}))}})
}

// readBitstream reads a file that is not larger than a bitstream may be.
func readBitstream(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, artefact.MaxBitstream+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > artefact.MaxBitstream {
		return nil, fmt.Errorf("%s has more than %d bytes", path, artefact.MaxBitstream)
	}
	return data, nil
}
