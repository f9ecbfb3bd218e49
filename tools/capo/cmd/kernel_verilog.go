package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/gateware/project"
	"github.com/capodekappa/capo/gateware/sched"
	"github.com/capodekappa/capo/gateware/verilog"
)

func (a *app) kernelVerilogCmd() *cobra.Command {
	var boardName, out string
	c := &cobra.Command{
		Use: "verilog FILE#NAME", Short: "Write a kernel as Verilog, in a project that a board's vendor's tool opens",
		Long: "Write a kernel as Verilog: its core, a shell with registers and memory access around it, constraints, a script that makes the whole project in Vivado or\n" +
			"Quartus, a self-checking test bench for Icarus Verilog and Verilator, and a README with the commands. The bitstream comes back with\n" +
			"capo kernel import. Without --board, the core alone goes to standard output.",
		Example: "  capo kernel verilog edges.ts#sobel --board de10-nano --out sobel/\n  capo kernel verilog edges.ts#sobel > sobel.v",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if (boardName == "") != (out == "") {
				return usage(errors.New("--board and --out go together: a project is for a board, and a folder"))
			}
			return a.kernelVerilog(c.Context(), args[0], boardName, out)
		},
	}
	c.Flags().StringVar(&boardName, "board", "", "the `board`")
	c.Flags().StringVar(&out, "out", "", "the `folder`, which must not have files in it")
	_ = c.RegisterFlagCompletionFunc("board", completeTargets)
	return c
}

func (a *app) kernelVerilog(ctx context.Context, text, boardName, out string) error {
	t, err := oneTarget(text)
	if err != nil {
		return err
	}
	var board project.Target
	if boardName != "" {
		if board, err = project.TargetOf(boardName); err != nil {
			return usage(err)
		}
	}
	sources, err := a.compileTarget(ctx, t.String())
	if err != nil {
		return err
	}
	s := sources[0]
	if boardName == "" {
		c, err := verilog.New(s.kernel, verilog.Options{Part: sched.PartOf("generic")})
		if err != nil {
			return err
		}
		_, err = io.WriteString(a.Out, c.Text)
		return err
	}
	vectors, err := s.vectors(ctx, a)
	if err != nil {
		return err
	}
	var frames []verilog.Frame
	for _, v := range vectors {
		frames = append(frames, verilog.Frame{In: v.In, Out: v.Out, Width: v.Width})
	}
	if err := project.Folder(out, s.kernel, board, s.String(), frames); err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "%s: a project for %s (%s); README.md says how its bitstream is made\n", out, board.Title, board.Part)
	return a.showKernels([]kernelRow{{Name: s.Name, Part: pointer(board.IDPart), Engine: engineVerilog, Digest: pointer(s.kernel.Digest())}})
}

// completeTargets completes the boards that projects can be made for.
func completeTargets(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, t := range project.Targets() {
		list = append(list, t.Board+"\t"+t.Title)
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}
