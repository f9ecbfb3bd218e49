package compile

import (
	"fmt"
	"strings"
)

// Lost returns what a fragment of a configuration says and the whole configuration does not, a line for each symbol. Where a
// fragment names a symbol twice, the last one counts.
//
// Format: Kconfig's .config, whose lines are CONFIG_X=value, "# CONFIG_X is not set" or comments.
func Lost(fragment, config string) []string {
	order, want := parseConfig(fragment)
	_, have := parseConfig(config)
	var lost []string
	for _, name := range order {
		w, h := want[name], have[name]
		if h == "" {
			h = "n" // a symbol that does not exist is off as well
		}
		if w != h {
			lost = append(lost, fmt.Sprintf("%s: %s wanted, is %s", name, w, h))
		}
	}
	return lost
}

func parseConfig(text string) (order []string, values map[string]string) {
	values = map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		if off, isOff := strings.CutSuffix(line, " is not set"); isOff {
			name, value, ok = strings.TrimPrefix(off, "# "), "n", true
		}
		if !ok || !strings.HasPrefix(name, "CONFIG_") || strings.ContainsAny(name, " \t") {
			continue
		}
		if _, twice := values[name]; !twice {
			order = append(order, name)
		}
		values[name] = value
	}
	return order, values
}
