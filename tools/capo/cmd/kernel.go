package cmd

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// kernelRow is a row of the verbs of `kernel`: a kernel and an engine. What is not known, or was not run since a tool is missing, is null.
type kernelRow struct {
	Name      string   `json:"name"`
	Part      *string  `json:"part"`
	Engine    string   `json:"engine"`
	LUTs      *int     `json:"luts"`
	FFs       *int     `json:"ffs"`
	BRAMs     *int     `json:"brams"`
	FmaxHz    *int64   `json:"fmax_hz"`
	Stages    *int     `json:"stages"`
	Latency   *int     `json:"latency"`     // clocks from a word in to the word out that it is the newest of
	BytesPerS *float64 `json:"bytes_per_s"` // of input
	Digest    *string  `json:"digest"`      // SHA-256 of the output; of build and import: of the artefact
}

func (a *app) kernelCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "kernel", Short: "Compile, run and prove kernels: JavaScript functions that also run as gateware",
		Long: "Compile, run and prove kernels: stateless JavaScript functions over streams of words, which give the same bytes in software and as a\n" +
			"bitstream (docs/kernels.md).",
		Example: "  capo kernel explain edges.ts\n  capo kernel run edges.ts#sobel in.pgm --out out.pgm\n  capo kernel prove edges.ts",
	}
	c.AddCommand(a.kernelExplainCmd(), a.kernelBuildCmd(), a.kernelProveCmd(), a.kernelRunCmd(), a.kernelVerilogCmd(), a.kernelImportCmd())
	return c
}

// kernelTarget is FILE or FILE#NAME.
type kernelTarget struct {
	file, name string // name "" is all of the file's
}

// String is what was typed.
func (t kernelTarget) String() string {
	if t.name == "" {
		return t.file
	}
	return t.file + "#" + t.name
}

// parseTarget reads FILE[#NAME]. A file whose name has a # in it is a file.
func parseTarget(text string) (kernelTarget, error) {
	t := kernelTarget{file: text}
	if i := strings.LastIndexByte(text, '#'); i >= 0 {
		if _, err := os.Stat(text); err != nil {
			t.file, t.name = text[:i], text[i+1:]
			if t.name == "" {
				return t, usage(fmt.Errorf("%q: want FILE or FILE#NAME", text))
			}
		}
	}
	if t.file == "" {
		return t, usage(fmt.Errorf("%q: want FILE or FILE#NAME", text))
	}
	return t, nil
}

// oneTarget reads FILE#NAME for a verb that takes a single kernel.
func oneTarget(text string) (kernelTarget, error) {
	t, err := parseTarget(text)
	if err == nil && t.name == "" {
		err = usage(fmt.Errorf("%q: want FILE#NAME, the name of one kernel", text))
	}
	return t, err
}

// showKernels prints rows.
func (a *app) showKernels(rows []kernelRow) error {
	if a.output != "table" {
		return a.show(rows, nil)
	}
	t := table{head: []string{"NAME", "PART", "ENGINE", "LUTS", "FFS", "BRAMS", "FMAX", "STAGES", "LATENCY", "SPEED", "DIGEST"}}
	for _, r := range rows {
		t.add(r.Name, orDashOf(r.Part, func(s string) string { return s }), r.Engine, orDashOf(r.LUTs, strconv.Itoa), orDashOf(r.FFs, strconv.Itoa),
			orDashOf(r.BRAMs, strconv.Itoa), orDashOf(r.FmaxHz, humanHz), orDashOf(r.Stages, strconv.Itoa), orDashOf(r.Latency, strconv.Itoa),
			orDashOf(r.BytesPerS, humanRate), orDashOf(r.Digest, func(s string) string { return s[:min(12, len(s))] }))
	}
	return t.write(a.Out)
}

func orDashOf[T any](v *T, text func(T) string) string {
	if v == nil {
		return "-"
	}
	return text(*v)
}

func humanHz(hz int64) string { return fmt.Sprintf("%.1f MHz", float64(hz)/1e6) }

func humanRate(perS float64) string {
	switch {
	case perS >= 1e9:
		return fmt.Sprintf("%.1f GB/s", perS/1e9)
	case perS >= 1e6:
		return fmt.Sprintf("%.1f MB/s", perS/1e6)
	}
	return fmt.Sprintf("%.1f kB/s", perS/1e3)
}

// pointer gives an address for a value that is known.
func pointer[T any](v T) *T { return &v }

// writeOut writes bytes to a file, or to standard output where none is named.
func (a *app) writeOut(path string, data []byte) error {
	if path == "" || path == "-" {
		_, err := a.Out.Write(data)
		return err
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// errDiffer: engines gave different bytes.
var errDiffer = errors.New("engines differ")

// errUnproved: an engine that is here gave nothing.
var errUnproved = errors.New("not proved")
