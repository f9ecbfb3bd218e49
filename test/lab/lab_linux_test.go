package lab

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/images"
	"github.com/capodekappa/capo/node"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/test/netlab"
	"github.com/capodekappa/capo/test/netlab/forming"
)

// within is how long what nodes do may take in these tests, on machines that are slow or busy.
const within = forming.Within

// binary is the node's executable, where an unprivileged user can run it.
var binary string

func TestMain(m *testing.M) {
	if task := os.Getenv(blobTask); task != "" {
		if err := printBlob(task); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	_ = flag.Set("test.parallel", "6") // these tests wait more than they work
	code, err := withBinary(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withBinary(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "capo-lab-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	built, err := images.NewSource("", slog.New(slog.DiscardHandler)).Node(ctx, runtime.GOARCH)
	if err != nil {
		return 1, err
	}
	binary = filepath.Join(dir, "init")
	if err := forming.Copy(built, binary); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// startNode is the Starter of a real node.
func startNode(t testing.TB, s forming.Spec) (argv, env []string) {
	t.Helper()
	raw, err := json.Marshal(node.HostFile{
		ID: s.ID, Name: s.ID, Address: s.Listen, Port: s.Port, Size: s.Size, Expect: s.Expect, Fleet: s.FleetFile,
		Store: filepath.Join(s.Dir, "store"), MaxMemory: 64 << 20, TTLMS: (15 * time.Minute).Milliseconds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir, "node.json")
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{binary, "host", "--config", file}, nil
}

// lab is a cluster of real nodes.
type lab struct {
	*forming.Cluster
	t   *testing.T
	net *netlab.Lab // nil on the loopback
}

// onLoopback is a lab without namespaces, whose nodes run as an unprivileged user.
func onLoopback(t *testing.T) *lab {
	t.Helper()
	return &lab{Cluster: forming.NewCluster(t, forming.Loopback(), startNode), t: t}
}

// inNamespaces is a lab of n namespaces.
func inNamespaces(t *testing.T, n int) *lab {
	t.Helper()
	net := netlab.New(t, n)
	return &lab{forming.NewCluster(t, forming.InLab(net), startNode), t, net}
}

func id(i int) string { return fmt.Sprintf("n%d", i) }

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// start starts nodes 0 to n-1 of a new fleet of that size, and waits until they are ready.
func (l *lab) start(n int) *fleet.Fleet {
	l.t.Helper()
	l.Rules = fleet.Rules{Size: n}
	f := l.Found("dev")
	for i := range n {
		l.Run(i, id(i), f.Membership)
	}
	l.ready(upTo(n)...)
	return f
}

// client returns one that speaks to node i.
func (l *lab) client(i int) *api.Client {
	authority, err := l.Operator(i)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.clientAs(i, authority.Client(nil))
}

// clientAs returns one that speaks to node i with those TLS settings, over a new connection for each request.
func (l *lab) clientAs(i int, settings *tls.Config) *api.Client {
	web := api.Transport(settings, netip.Addr{})
	web.Timeout = 20 * time.Second
	web.Transport.(*http.Transport).DisableKeepAlives = true
	if dial := l.Place.Dialer(i); dial != nil {
		web.Transport.(*http.Transport).DialContext = dial
	}
	return &api.Client{Base: "https://" + l.address(i), HTTP: web}
}

func (l *lab) address(i int) string { return fmt.Sprintf("%s:%d", l.Place.Addr(i), forming.Port) }

// rows asks node i for the fleet's nodes.
func (l *lab) rows(i int) (rows []api.Node, err error) {
	ctx, cancel := context.WithTimeout(l.t.Context(), 3*time.Second)
	defer cancel()
	resp, err := l.client(i).Do(ctx, http.MethodGet, "/v1/nodes", "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return rows, json.NewDecoder(resp.Body).Decode(&rows)
}

// allReady says what is missing for the nodes to be the fleet, each of them ready, in the words of each.
func (l *lab) allReady(nodes ...int) error {
	for _, i := range nodes {
		rows, err := l.rows(i)
		if err != nil {
			return fmt.Errorf("node %d: %w", i, err)
		}
		var states []string
		for _, row := range rows {
			states = append(states, row.ID+" "+row.State)
		}
		if len(rows) != len(nodes) || slices.ContainsFunc(rows, func(r api.Node) bool { return r.State != fleet.StateReady }) {
			return fmt.Errorf("node %d sees %v, want %d that are ready", i, states, len(nodes))
		}
	}
	return nil
}

// ready waits until the nodes are in one log and all ready, and returns the log.
func (l *lab) ready(nodes ...int) *fleet.LogInfo {
	l.t.Helper()
	log := l.OneLog(within, nodes...)
	l.Eventually(within, "ready", func() error { return l.allReady(nodes...) })
	return log
}

// printed waits until node i has printed a line with all the parts.
func (l *lab) printed(i int, parts ...string) {
	l.t.Helper()
	l.Eventually(within, "a line", func() error {
		for line := range strings.Lines(l.Output(i)) {
			if !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
				return nil
			}
		}
		return fmt.Errorf("node %d has printed no line with %q", i, parts)
	})
}

// runEach runs subtests in parallel.
func runEach[T any](t *testing.T, cases map[string]T, run func(*testing.T, T)) {
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) { t.Parallel(); run(t, cases[name]) })
	}
}
