package modules

import (
	"strings"

	"github.com/capodekappa/capo/init/cmdline"
)

// Params returns the parameters of a module on a command line of the kernel, as the kernel takes them for a driver that is built
// in: MODULE.NAME=VALUE, where "-" and "_" are the same in MODULE.
func Params(line, module string) string {
	var params []string
	for _, w := range cmdline.Words(line) {
		head, rest, ok := strings.Cut(w, ".")
		if ok && rest != "" && sameName(head, module) {
			params = append(params, rest)
		}
	}
	return strings.Join(params, " ")
}

func sameName(a, b string) bool {
	return strings.ReplaceAll(a, "-", "_") == strings.ReplaceAll(b, "-", "_")
}
