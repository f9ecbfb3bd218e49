package cmd

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/board"
)

// boardRow is a row of `boards`.
type boardRow struct {
	Name    string   `json:"name"`
	Arch    string   `json:"arch"`
	SoC     string   `json:"soc"`
	FPGA    string   `json:"fpga"`
	Formats []string `json:"formats"`
	Tested  string   `json:"tested"`
}

// boardDetail is what `board` tells: the row, what board.json has besides, and the text of NOTES.md.
type boardDetail struct {
	boardRow
	Title    string         `json:"title"`
	MemoryMB int            `json:"memory_mb,omitempty"`
	Missing  string         `json:"missing,omitempty"`
	Linux    *board.Linux   `json:"linux,omitempty"`
	Console  *board.Console `json:"console,omitempty"`
	LED      string         `json:"led,omitempty"`
	Ramoops  *board.Ramoops `json:"ramoops,omitempty"`
	Boot     *board.Boot    `json:"boot,omitempty"`
	QEMU     *board.QEMU    `json:"qemu,omitempty"`
	Notes    []string       `json:"notes,omitempty"`
	Text     string         `json:"text"`
}

func boardRowOf(b *board.Board) boardRow {
	return boardRow{Name: b.Name, Arch: b.Arch, SoC: b.SoC, FPGA: b.FPGA, Formats: append([]string{}, b.Formats...), Tested: b.Tested}
}

func (a *app) boardsCmd() *cobra.Command {
	return &cobra.Command{
		Use: "boards", Short: "List the boards", Long: "List the boards, and how far each was tested: ci (each run of the tests boots it in QEMU), qemu (it was booted in QEMU by hand) or never.",
		Example: "  capo boards\n  capo boards -o json", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return a.boards() },
	}
}

func (a *app) boards() error {
	rows := []boardRow{}
	for _, name := range board.Names() {
		b, err := board.Load(name)
		if err != nil {
			return err
		}
		rows = append(rows, boardRowOf(b))
	}
	return a.show(rows, func(w io.Writer) error {
		t := table{head: []string{"NAME", "ARCH", "SOC", "FPGA", "FORMATS", "TESTED"}}
		for _, r := range rows {
			t.add(r.Name, r.Arch, r.SoC, orDash(r.FPGA), orDash(strings.Join(r.Formats, " ")), r.Tested)
		}
		return t.write(w)
	})
}

func (a *app) boardCmd() *cobra.Command {
	return &cobra.Command{
		Use: "board NAME", Short: "Tell all about a board", Long: "Tell all about a board: what is in its image, where its console is, how its switches stand to boot a card, what is known not to work, and what was tested.",
		Example: "  capo board zedboard\n  capo board raspberrypi4 -o json", Args: cobra.ExactArgs(1), ValidArgsFunction: completeBoard,
		RunE: func(_ *cobra.Command, args []string) error { return a.board(args[0]) },
	}
}

func (a *app) board(name string) error {
	b, err := board.Load(name)
	if err != nil {
		return usage(err)
	}
	d := boardDetail{boardRow: boardRowOf(b), Title: b.Title, MemoryMB: b.MemoryMB, Missing: b.Missing, Linux: b.Linux, Console: b.Console,
		LED: b.LED, Ramoops: b.Ramoops, Boot: b.Boot, QEMU: b.QEMU, Notes: b.Notes, Text: board.Notes(name)}
	return a.show(d, func(w io.Writer) error {
		t := table{head: []string{b.Name, b.Title}}
		for _, fact := range b.Facts() {
			t.add("  "+fact.Name, fact.Text)
		}
		if err := t.write(w); err != nil || d.Text == "" {
			return err
		}
		_, err := fmt.Fprintf(w, "\n%s", d.Text)
		return err
	})
}

// completeBoard completes the only argument of a command, or a flag, that is a board's name.
func completeBoard(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return boardsWithTitles(""), cobra.ShellCompDirectiveNoFileComp
}

// completeBoards completes a flag that takes boards' names, joined by commas.
func completeBoards(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return boardsWithTitles(typed[:strings.LastIndexByte(typed, ',')+1]), cobra.ShellCompDirectiveNoFileComp
}

// boardsWithTitles lists the boards' names after what was typed already, each with its title for the shells that show one.
func boardsWithTitles(before string) []string {
	var list []string
	for _, name := range board.Names() {
		if b, err := board.Load(name); err == nil && !slices.Contains(strings.Split(before, ","), name) {
			list = append(list, before+name+"\t"+b.Title)
		}
	}
	return list
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
