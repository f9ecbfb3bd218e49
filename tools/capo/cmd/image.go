package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images"
)

// imageFlags are what `image` and `flash` are told about an image.
type imageFlags struct {
	images.Options
	noToken bool
	labels  string
}

// register adds the flags that both verbs have.
func (f *imageFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.Board, "board", "", "the board (capo boards lists them)")
	_ = c.RegisterFlagCompletionFunc("board", completeBoard)
	c.Flags().StringVar(&f.Format, "format", "", "sd, efi, netboot or qemu (default: the board's first)")
	c.Flags().StringVar(&f.Files, "files", "", "a `folder` with the files that the board needs and Capo cannot make (capo board NAME names them)")
	c.Flags().StringVar(&f.SecureBootKey, "secure-boot-key", "", "sign for Secure Boot with the RSA key in this PEM `file`")
	c.Flags().StringVar(&f.SecureBootCert, "secure-boot-cert", "", "the key's certificate, a PEM `file`")
	c.Flags().IntVar(&f.Size, "size", 3, "how many nodes the fleet has")
	c.Flags().IntVar(&f.Expect, "expect", 0, "how many nodes form the log (default: 3, or size if that is less)")
	c.Flags().StringVar(&f.Name, "name", "", "the node's name")
	c.Flags().StringVar(&f.labels, "labels", "", "the node's labels, `k=v,…`")
	c.Flags().StringVar(&f.Cmdline, "cmdline", "", "more for the Linux command line")
	c.Flags().StringVar(&f.IP, "ip", "", "a fixed address, in the syntax of Linux's ip=")
	c.Flags().BoolVar(&f.noToken, "no-token", false, "without a join token: its nodes wait until they are approved")
}

func (a *app) imageCmd() *cobra.Command {
	f := imageFlags{}
	c := &cobra.Command{
		Use: "image", Short: "Make an image of a board",
		Long: "Make what a board boots: a card (sd), a disk for UEFI and BIOS (efi), a folder for a boot server (netboot) or one for QEMU (qemu).\n" +
			"The same input gives the same bytes, but for the join token: each image has a new one in the fleet's part. Who has the image can join the fleet.",
		Example: "  capo image --board raspberrypi4 --out pi.img\n  capo image --board pc --format efi --out pc.img.zst     compressed\n" +
			"  capo image --board pc --format netboot --out tftp\n  capo image --board pc --secure-boot-key db.key --secure-boot-cert db.pem --out pc.img\n" +
			"  capo image --board zedboard --no-token --size 5 --labels site=lab",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r, err := a.buildImage(c.Context(), f)
			if err != nil {
				return err
			}
			return a.show(r, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "%s: %s %s, %s, sha256 %s, %d ms\n", r.Path, r.Board, r.Format, humanBytes(r.Bytes), r.SHA256, r.TookMS)
				return err
			})
		},
	}
	f.register(c)
	c.Flags().StringVar(&f.Out, "out", "", "the file or folder to write (default: BOARD.img or BOARD.FORMAT); a file that ends in .zst is compressed")
	_ = c.MarkFlagRequired("board")
	return c
}

// buildImage makes an image as the flags say.
func (a *app) buildImage(ctx context.Context, f imageFlags) (*images.Result, error) {
	var err error
	if f.Labels, err = parseLabels(f.labels); err != nil {
		return nil, usage(err)
	}
	if _, err := board.Load(f.Board); err != nil {
		return nil, usage(err)
	}
	if f.Fleet, err = a.imageFleet(f); err != nil {
		return nil, err
	}
	if terminal(a.Err) {
		bar := newBar(a.Err, "writing the image")
		defer bar.end()
		f.Progress = bar.set
	}
	r, err := a.source().Build(ctx, f.Options)
	if errors.Is(err, images.ErrFormat) {
		return nil, usage(err)
	}
	return r, err
}

// imageFleet is the fleet's part of an image: with a join token of its own, unless --no-token says otherwise. Without a fleet there is
// none.
func (a *app) imageFleet(f imageFlags) ([]byte, error) {
	fl, err := a.loadFleet()
	if f.noToken && err != nil && exitCode(err) == exitNoFleet {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if f.noToken {
		return fl.Membership.Marshal()
	}
	store, err := openStore()
	if err != nil {
		return nil, err
	}
	m, err := store.WithToken(fl, "image "+f.Board+" "+f.Name)
	if err != nil {
		return nil, err
	}
	return m.Marshal()
}
