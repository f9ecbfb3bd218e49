package images

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capodekappa/capo/board"
)

// Cmdline returns the kernel's command line for a board and options: the board's own part, then the fleet's settings,
// then o.Cmdline. No secret belongs there: every process on a node can read it.
func Cmdline(b *board.Board, o Options) (string, error) {
	size := o.Size
	if size == 0 {
		size = 3
	}
	expect := o.Expect
	if expect == 0 {
		expect = min(3, size)
	}
	if size < 0 || expect < 0 || expect > size {
		return "", fmt.Errorf("a fleet of %d nodes cannot wait for %d", size, expect)
	}
	words := append(b.ConsoleWords(), b.Linux.Cmdline...)
	words = append(words, fmt.Sprintf("capo.size=%d", size), fmt.Sprintf("capo.expect=%d", expect))
	add := func(key, value string) error {
		if value == "" {
			return nil
		}
		if strings.ContainsAny(value, " \t\n\"") {
			return fmt.Errorf("%s %q has a space or a quote, which the kernel's command line cannot carry", key, value)
		}
		words = append(words, key+"="+value)
		return nil
	}
	for _, kv := range [][2]string{{"capo.name", o.Name}, {"capo.labels", labels(o.Labels)}, {"ip", o.IP}} {
		if err := add(kv[0], kv[1]); err != nil {
			return "", err
		}
	}
	if o.Cmdline != "" {
		words = append(words, o.Cmdline)
	}
	line := strings.Join(words, " ")
	if len(line) > 2047 { // COMMAND_LINE_SIZE is 2048 with its zero byte on x86 and arm64
		return "", fmt.Errorf("the kernel's command line has %d bytes, more than the 2047 that Linux takes", len(line))
	}
	return line, nil
}

func labels(m map[string]string) string {
	var out []string
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}
