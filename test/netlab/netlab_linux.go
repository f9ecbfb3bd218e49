package netlab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capodekappa/capo/test/need"
	"github.com/vishvananda/netns"
)

// Interface is the name of a node's interface.
const Interface = "eth0"

// Lab is a network of nodes 0 to n-1, all on island 0 at first.
type Lab struct {
	t    testing.TB
	name string
	n    int

	mu      sync.Mutex // guards islands
	islands map[int]bool
}

// New makes a lab of n nodes; node i has the address Addr(i) in 10.77.0.0/24.
func New(t testing.TB, n int) *Lab {
	t.Helper()
	need.Root(t)
	need.Command(t, "ip")
	id := make([]byte, 4)
	_, _ = rand.Read(id)
	lab := &Lab{t: t, name: "capolab-" + hex.EncodeToString(id), n: n, islands: map[int]bool{}}
	t.Cleanup(lab.remove)
	lab.ip("netns", "add", lab.core())
	lab.ip("-n", lab.core(), "link", "set", "lo", "up")
	lab.island(0)
	for i := range n {
		lab.add(i)
	}
	return lab
}

func (l *Lab) core() string       { return l.name + "-core" }
func (l *Lab) space(i int) string { return fmt.Sprintf("%s-%d", l.name, i) }
func bridge(k int) string         { return fmt.Sprintf("br%d", k) }
func port(i int) string           { return fmt.Sprintf("p%d", i) }

// Addr returns node i's address.
func (l *Lab) Addr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 0, byte(i + 1)}) }

// Len returns how many nodes there are.
func (l *Lab) Len() int { return l.n }

func (l *Lab) add(i int) {
	l.ip("netns", "add", l.space(i))
	l.ip("-n", l.space(i), "link", "set", "lo", "up")
	l.ip("-n", l.core(), "link", "add", port(i), "type", "veth", "peer", "name", Interface, "netns", l.space(i))
	l.ip("-n", l.core(), "link", "set", port(i), "master", bridge(0), "up")
	l.ip("-n", l.space(i), "addr", "add", l.Addr(i).String()+"/24", "broadcast", "+", "dev", Interface)
	l.ip("-n", l.space(i), "link", "set", Interface, "up")
}

// AddDeadEnd gives node i another interface of that name and address (such as 10.0.2.15/24) on a
// segment where nobody else is, like QEMU's user-mode network.
func (l *Lab) AddDeadEnd(i int, name, prefix string) {
	l.ip("-n", l.space(i), "link", "add", name, "type", "veth", "peer", "name", "far-"+name)
	l.ip("-n", l.space(i), "link", "set", "far-"+name, "up")
	l.ip("-n", l.space(i), "addr", "add", prefix, "dev", name)
	l.ip("-n", l.space(i), "link", "set", name, "up")
}

// island makes bridge k unless it is there.
func (l *Lab) island(k int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.islands[k] {
		return
	}
	l.islands[k] = true
	l.ip("-n", l.core(), "link", "add", bridge(k), "type", "bridge", "mcast_snooping", "0")
	l.ip("-n", l.core(), "link", "set", bridge(k), "up")
}

// Island moves node i to island k. Nodes hear each other only within an island.
func (l *Lab) Island(i, k int) {
	l.island(k)
	l.ip("-n", l.core(), "link", "set", port(i), "master", bridge(k))
}

// Partition moves the given nodes to island 1 and all others to island 0.
func (l *Lab) Partition(nodes ...int) {
	away := map[int]bool{}
	for _, i := range nodes {
		away[i] = true
	}
	for i := range l.n {
		if away[i] {
			l.Island(i, 1)
		} else {
			l.Island(i, 0)
		}
	}
}

// Link takes the far end of node i's cable down or up: the node loses or regains its carrier.
func (l *Lab) Link(i int, up bool) {
	state := "down"
	if up {
		state = "up"
	}
	l.ip("-n", l.core(), "link", "set", port(i), state)
}

// Exec returns a command that will run in node i's namespace. The process is the program itself:
// signals reach it.
func (l *Lab) Exec(ctx context.Context, i int, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", l.space(i), name}, args...)...)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Dial connects from node i's namespace to an IP address.
func (l *Lab) Dial(ctx context.Context, i int, network, addr string) (net.Conn, error) {
	return inside(l.space(i), func() (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	})
}

// ListenPacket opens a packet socket in node i's namespace, bound to an IP address.
func (l *Lab) ListenPacket(ctx context.Context, i int, network, addr string) (net.PacketConn, error) {
	return inside(l.space(i), func() (net.PacketConn, error) {
		var c net.ListenConfig
		return c.ListenPacket(ctx, network, addr)
	})
}

// inside calls open on a thread that is in the named namespace meanwhile. A thread that cannot be brought
// back ends with its goroutine; no other may, since children that die with their parent die with the
// thread that started them.
func inside[T any](space string, open func() (T, error)) (T, error) {
	var (
		result T
		err    error
		done   = make(chan struct{})
	)
	go func() {
		defer close(done)
		runtime.LockOSThread()
		var home, handle netns.NsHandle
		if home, err = netns.Get(); err != nil {
			return
		}
		defer home.Close()
		if handle, err = netns.GetFromName(space); err != nil {
			runtime.UnlockOSThread()
			return
		}
		defer handle.Close()
		if err = netns.Set(handle); err == nil {
			result, err = open()
		}
		if netns.Set(home) == nil {
			runtime.UnlockOSThread()
		}
	}()
	<-done
	return result, err
}

// Dialer makes connections from within node i's namespace.
func (l *Lab) Dialer(i int) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return l.Dial(ctx, i, network, addr)
	}
}

func (l *Lab) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (l *Lab) remove() {
	for i := range l.n {
		_ = exec.Command("ip", "netns", "del", l.space(i)).Run()
	}
	_ = exec.Command("ip", "netns", "del", l.core()).Run()
}
