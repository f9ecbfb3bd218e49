package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/test/need"
	"github.com/capodekappa/capo/test/netlab"
	"github.com/capodekappa/capo/test/netlab/forming"
	"github.com/miekg/dns"
)

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow own="*"/><allow user="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>`

const avahiConfig = `[server]
use-ipv4=yes
use-ipv6=yes
[publish]
disable-publishing=yes
`

// avahi is another maker's DNS-SD browser in a namespace of a lab.
type avahi struct {
	lab  *netlab.Lab
	node int
	bus  string
}

// startAvahi runs a D-Bus and an avahi-daemon of their own in node i's namespace.
func startAvahi(t *testing.T, lab *netlab.Lab, i int) *avahi {
	t.Helper()
	for _, name := range []string{"avahi-daemon", "avahi-browse", "dbus-daemon", "mount"} {
		need.Command(t, name)
	}
	dir := t.TempDir()
	a := &avahi{lab, i, filepath.Join(dir, "bus")}
	for name, text := range map[string]string{"bus.conf": fmt.Sprintf(busConfig, a.bus), "avahi.conf": avahiConfig} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a.daemon(t, "exec dbus-daemon --nofork --nopidfile --config-file="+filepath.Join(dir, "bus.conf"))
	waitFor(t, a.bus)
	// ip netns exec gives the process a mount namespace of its own, so this /run is its own too.
	a.daemon(t, "mount -t tmpfs none /run && mkdir /run/avahi-daemon && exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f "+filepath.Join(dir, "avahi.conf"))
	return a
}

func (a *avahi) daemon(t *testing.T, script string) {
	t.Helper()
	cmd := a.command(context.Background(), "sh", "-c", script)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", script, output.String())
		}
	})
}

func (a *avahi) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := a.lab.Exec(ctx, a.node, name, args...)
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS=unix:path="+a.bus)
	return cmd
}

func waitFor(t *testing.T, path string) {
	t.Helper()
	for range 100 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s is not there after five seconds", path)
}

// browse returns, for each instance that avahi resolves by IPv4, "host address port" and the
// fleet of its text.
func (a *avahi) browse(t *testing.T) map[string][]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	out, err := a.command(ctx, "avahi-browse", "-rtp", "_capo._tcp").CombinedOutput()
	if err != nil {
		return map[string][]string{"error": {err.Error() + ": " + string(out)}}
	}
	found := map[string][]string{}
	for _, line := range strings.Split(string(out), "\n") {
		f := strings.Split(line, ";")
		if len(f) >= 10 && f[0] == "=" && f[2] == "IPv4" {
			found[f[3]] = append(found[f[3]], strings.Join(f[6:9], " ")+" "+f[9])
		}
	}
	return found
}

// resolves says what is wrong with what avahi shows of the nodes.
func (a *avahi) resolves(t *testing.T, m *fleet.Membership, nodes ...int) error {
	t.Helper()
	found := a.browse(t)
	if len(found) != len(nodes) {
		return fmt.Errorf("avahi resolves %v, want %d nodes", found, len(nodes))
	}
	port := fmt.Sprint(forming.Port)
	for _, i := range nodes {
		got := found[id(i)]
		if len(got) != 1 || !strings.Contains(got[0], `"fleet=`+m.ID()+`"`) {
			return fmt.Errorf("avahi resolves %s to %q, want it once and with the fleet", id(i), got)
		}
		f := strings.Fields(got[0])
		if f[0] != id(i)+".local" || f[2] != port || !a.has(t, i, f[1]) {
			return fmt.Errorf("avahi resolves %s to %q, want %s.local, an address of its eth0 and %s", id(i), got, id(i), port)
		}
	}
	return nil
}

// names checks that avahi finds the nodes' host names at once: it asks them, having heard nothing yet.
func (a *avahi) names(t *testing.T, nodes ...int) error {
	t.Helper()
	for _, i := range nodes {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		out, err := a.command(ctx, "avahi-resolve-host-name", "-4", id(i)+".local").CombinedOutput()
		cancel()
		if f := strings.Fields(string(out)); err != nil || len(f) != 2 || !a.has(t, i, f[1]) {
			return fmt.Errorf("avahi finds %s.local at %q, error %v", id(i), out, err)
		}
	}
	return nil
}

// has reports whether the address is one of node i's on the lab's segment. Which one avahi shows,
// IPv4 or IPv6, is its choice.
func (a *avahi) has(t *testing.T, i int, addr string) bool {
	t.Helper()
	out, err := a.lab.Exec(t.Context(), i, "ip", "-o", "address", "show", "dev", netlab.Interface).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(out), " "+addr+"/")
}

// avahiLab is three nodes, and two namespaces more to look at them from.
func avahiLab(t *testing.T) (*lab, *fleet.Membership) {
	l := inNamespaces(t, 5)
	l.Rules = fleet.Rules{Size: 3}
	m := l.Fleet("dev")
	for i := range 3 {
		// As QEMU's user-mode network has it: the same address everywhere, which nobody may be told.
		l.net.AddDeadEnd(i, "user0", "10.0.2.15/24")
		l.Run(i, id(i), m)
	}
	return l, m
}

func TestAvahiResolvesEachNode(t *testing.T) {
	t.Parallel()
	l, m := avahiLab(t)
	a := startAvahi(t, l.net, 3)
	l.Eventually(within, "avahi", func() error { return a.resolves(t, m, 0, 1, 2) })
	l.ready(0, 1, 2)
	if err := a.resolves(t, m, 0, 1, 2); err != nil {
		t.Errorf("with the log formed: %v", err)
	}
	l.Stop(2)
	l.Eventually(within, "avahi after one node left", func() error { return a.resolves(t, m, 0, 1) })
}

// TestNodesAnswerForTheirHostNames asks as an ordinary DNS client does, without a cache that hides
// whether anybody answers for addresses.
func TestNodesAnswerForTheirHostNames(t *testing.T) {
	t.Parallel()
	l, _ := avahiLab(t)
	for i := range 3 {
		l.Eventually(within, "an address", func() error { return l.answersForItsName(i, 3) })
	}
}

// answersForItsName asks, from namespace k, for the address of node i's host name.
func (l *lab) answersForItsName(i, k int) error {
	conn, err := l.net.ListenPacket(l.t.Context(), k, "udp4", l.Place.Addr(k)+":0")
	if err != nil {
		return err
	}
	defer conn.Close()
	return askAddress(conn, id(i)+".local.", l.Place.Addr(i))
}

// TestAvahiStillResolvesEachNodeAfterFiveMinutesLong also asks each node itself, and with an avahi that comes
// late: the browsing of nodes refreshes what an older one remembers, whoever answers it.
func TestAvahiStillResolvesEachNodeAfterFiveMinutesLong(t *testing.T) {
	need.Long(t)
	t.Parallel()
	l, m := avahiLab(t)
	a := startAvahi(t, l.net, 3)
	l.Eventually(within, "avahi", func() error { return a.resolves(t, m, 0, 1, 2) })
	l.ready(0, 1, 2)
	for begun := time.Now(); time.Since(begun) < 305*time.Second; time.Sleep(5 * time.Second) {
		if err := a.resolves(t, m, 0, 1, 2); err != nil {
			t.Fatalf("after %v: %v", time.Since(begun).Round(time.Second), err)
		}
		for i := range 3 {
			if err := l.answersForItsName(i, 3); err != nil {
				t.Fatalf("after %v: node %d does not answer for its host name: %v", time.Since(begun).Round(time.Second), i, err)
			}
		}
	}
	late := startAvahi(t, l.net, 4)
	l.Eventually(5*time.Second, "an avahi daemon", func() error { return late.runs(t) })
	if err := late.names(t, 0, 1, 2); err != nil {
		t.Error(err)
	}
	if err := late.resolves(t, m, 0, 1, 2); err != nil {
		t.Error(err)
	}
}

// runs says why avahi's daemon does not answer yet.
func (a *avahi) runs(t *testing.T) error {
	out, err := a.command(t.Context(), "avahi-browse", "-rtp", "_nothing._tcp").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func askAddress(conn net.PacketConn, host, want string) error {
	q := new(dns.Msg).SetQuestion(host, dns.TypeA)
	raw, err := q.Pack()
	if err != nil {
		return err
	}
	if _, err := conn.WriteTo(raw, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}); err != nil {
		return err
	}
	if err := conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		return err
	}
	buf := make([]byte, 9000)
	n, _, err := conn.ReadFrom(buf)
	if err != nil {
		return err
	}
	var reply dns.Msg
	if err := reply.Unpack(buf[:n]); err != nil {
		return err
	}
	if len(reply.Answer) != 1 || reply.Id != q.Id {
		return fmt.Errorf("reply %v, want one address", &reply)
	}
	if a, ok := reply.Answer[0].(*dns.A); !ok || a.Hdr.Name != host || a.A.String() != want {
		return fmt.Errorf("answer %v, want %s", reply.Answer[0], want)
	}
	return nil
}
