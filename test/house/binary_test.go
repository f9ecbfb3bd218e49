package house

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// nodeModules is all that may be linked into a node, as package path prefixes. What is not directly ours to choose stands
// behind the library that brings it.
var nodeModules = []string{
	// JavaScript
	"github.com/dop251/goja", "github.com/dlclark/regexp2", "github.com/go-sourcemap/sourcemap", "github.com/google/pprof/profile",
	"golang.org/x/text",
	// the log
	"github.com/nats-io", "github.com/antithesishq/antithesis-sdk-go", "github.com/minio/highwayhash", "github.com/klauspost/compress/s2",
	"github.com/klauspost/compress/internal", "github.com/klauspost/compress/flate", "golang.org/x/crypto", "golang.org/x/time/rate",
	// kernels
	"github.com/tetratelabs/wazero",
	// finding peers
	"github.com/miekg/dns", "golang.org/x/net/bpf", "golang.org/x/net/internal",
	"golang.org/x/net/ipv4", "golang.org/x/net/ipv6", "golang.org/x/sync/errgroup",
	// the machine
	"github.com/vishvananda/netlink", "github.com/vishvananda/netns", "github.com/insomniacslk/dhcp", "github.com/josharian/native",
	"github.com/mdlayher/packet", "github.com/mdlayher/socket", "github.com/u-root/u-root/pkg/kmodule", "github.com/u-root/u-root/pkg/rtc",
	"github.com/u-root/uio", "github.com/pierrec/lz4", "golang.org/x/sys",
	// compressed kernel modules
	"github.com/ulikunitz/xz", "github.com/klauspost/compress", "github.com/klauspost/pgzip",
}

// nodeFolders are the tree's folders that a node is made of. Of the kernel compiler it has what runs a kernel in software.
var nodeFolders = []string{
	"board", "fleet", "init", "jsrt", "node", "queue",
	"gateware/ir", "gateware/frame", "gateware/opt", "gateware/band", "gateware/batch", "gateware/wasm", "gateware/soft",
}

// keptOut is what must never be in a node though it is in those folders or in the standard library; with it, who
// may bring it nevertheless.
var keptOut = map[string][]string{
	modulePath + "/jsrt/bundle": nil,
	"testing":                   nil,
	"html/template":             nil,
	"text/template":             nil,
	"go/build":                  nil,
	"go/types":                  nil,
	"image":                     nil,
	"database/sql":              nil,
	"net/rpc":                   nil,
	"net/smtp":                  nil,
	"net/http/httptest":         nil,
	"net/http/cgi":              nil,
	"plugin":                    nil,
	"runtime/cgo":               nil,
	// the log's server: it adds handlers to http.DefaultServeMux, which nothing here serves
	"net/http/pprof": {"github.com/nats-io/nats-server/v2/server"},
	"expvar":         {"github.com/nats-io/nats-server/v2/server"},
}

// linked lists the packages of the node's binary with what imports them.
func linked(t *testing.T, arch string) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{$p := .ImportPath}}{{$p}}\n{{range .Imports}}{{$p}} {{.}}\n{{end}}", "./init")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOARM=7")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderrOf(err))
	}
	importers := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		by, pkg, isImport := strings.Cut(strings.TrimSpace(line), " ")
		if !isImport {
			importers[by] = append(importers[by], []string{}...)
			continue
		}
		importers[pkg] = append(importers[pkg], by)
	}
	return importers
}

func TestTheNodesBinaryHoldsOnlyWhatItNeeds(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64", "arm"} {
		t.Run(arch, func(t *testing.T) {
			t.Parallel()
			importers := linked(t, arch)
			if len(importers) < 200 {
				t.Fatalf("go list names %d packages only", len(importers))
			}
			wrong := map[string]string{}
			for pkg, by := range importers {
				if why := mayLink(pkg, by); why != "" {
					wrong[pkg] = why
				}
			}
			var problems []string
			for pkg, why := range wrong { // not what comes with what is named already
				if slices.ContainsFunc(importers[pkg], func(by string) bool { return wrong[by] == "" }) {
					problems = append(problems, why)
				}
			}
			report(t, problems)
		})
	}
}

// mayLink says why a package must not be in the node's binary, or "".
func mayLink(pkg string, by []string) string {
	if brings, forbidden := keptOut[pkg]; forbidden {
		for _, b := range by {
			if !slices.Contains(brings, b) {
				return fmt.Sprintf("%s is in the node's binary, brought by %s", pkg, b)
			}
		}
		return ""
	}
	first, rest, _ := strings.Cut(pkg, "/")
	switch {
	case strings.HasPrefix(pkg, modulePath+"/"):
		if own := strings.TrimPrefix(pkg, modulePath+"/"); !within(own, nodeFolders) {
			return fmt.Sprintf("%s is in the node's binary, brought by %s", own, strings.Join(by, ", "))
		}
	case first == "vendor" && strings.HasPrefix(rest, "golang.org/x/"), !strings.Contains(first, "."): // the standard library
	case !within(pkg, nodeModules):
		return fmt.Sprintf("%s is in the node's binary, brought by %s; is it needed there?", pkg, strings.Join(by, ", "))
	}
	return ""
}

func stderrOf(err error) string {
	if exit, ok := err.(*exec.ExitError); ok {
		return string(exit.Stderr)
	}
	return ""
}
