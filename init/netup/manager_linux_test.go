package netup

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/vishvananda/netlink"

	"github.com/capodekappa/capo/init/cmdline"
	"github.com/capodekappa/capo/test/need"
	"github.com/capodekappa/capo/test/netlab"
)

// TestMain is also the processes that the tests start in network namespaces.
func TestMain(m *testing.M) {
	roles := map[string]func(arg string) error{"manager": asManager, "dhcp": asServer, "announce": announce}
	role := roles[os.Getenv("NETUP_TEST")]
	if role == nil {
		os.Exit(m.Run())
	}
	if err := role(os.Getenv("NETUP_ARG")); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

// asManager configures a namespace and prints every change of IPv4 addresses, as "addrs A,B".
func asManager(text string) error {
	ip, err := cmdline.ParseIP(text)
	if err != nil {
		return err
	}
	ctx := context.Background()
	m, err := Start(ctx, slog.New(slog.NewTextHandler(os.Stdout, nil)), Options{IP: ip})
	if err != nil {
		return err
	}
	last := ""
	for range m.Watch(ctx) {
		var list []string
		for _, a := range m.Addrs() {
			if p := a.Prefix; p.Addr().Is4() && !strings.HasPrefix(p.String(), "10.77.") { // that one is the lab's
				list = append(list, p.String())
			}
		}
		if now := strings.Join(list, ","); now != last {
			fmt.Println("addrs", now)
			last = now
		}
	}
	return nil
}

// asServer gives everybody 10.9.0.7 for four seconds.
func asServer(string) error {
	handle := func(conn net.PacketConn, _ net.Addr, m *dhcpv4.DHCPv4) {
		answer := dhcpv4.MessageTypeOffer
		if m.MessageType() == dhcpv4.MessageTypeRequest {
			answer = dhcpv4.MessageTypeAck
		}
		fmt.Println("got", m.MessageType(), m.ClientIPAddr)
		self := net.IPv4(10, 77, 0, 2)
		r, err := dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(answer), dhcpv4.WithYourIP(net.IPv4(10, 9, 0, 7)),
			dhcpv4.WithNetmask(net.CIDRMask(24, 32)), dhcpv4.WithLeaseTime(4), dhcpv4.WithServerIP(self), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(self)))
		if err == nil {
			_, err = conn.WriteTo(r.ToBytes(), &net.UDPAddr{IP: net.IPv4bcast, Port: 68})
		}
		if err != nil {
			fmt.Println("failed:", err)
		}
	}
	s, err := server4.NewServer(netlab.Interface, &net.UDPAddr{Port: 67}, handle)
	if err != nil {
		return err
	}
	fmt.Println("serving")
	return s.Serve()
}

// announce claims an address, as a machine does that has taken it.
func announce(text string) error {
	link, err := netlink.LinkByName(netlab.Interface)
	if err != nil {
		return err
	}
	c, err := openARP(link.Attrs().Index, link.Attrs().HardwareAddr)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return err
	}
	return c.ask(ip, ip)
}

// process is one of the processes above; its lines are read one by one.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
}

func start(t *testing.T, lab *netlab.Lab, node int, role, arg string) *process {
	t.Helper()
	p := &process{t: t, lines: make(chan string, 1000)}
	p.cmd = lab.Exec(t.Context(), node, os.Args[0])
	p.cmd.Env = append(os.Environ(), "NETUP_TEST="+role, "NETUP_ARG="+arg)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	t.Cleanup(p.kill)
	return p
}

func (p *process) read(out io.Reader) {
	defer close(p.lines)
	for s := bufio.NewScanner(out); s.Scan(); {
		p.lines <- s.Text()
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// expect waits for a line that contains text and returns it.
func (p *process) expect(text string, limit time.Duration) string {
	p.t.Helper()
	timeout := time.After(limit)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("the process ended before it printed %q", text)
			}
			p.t.Log(line)
			if strings.Contains(line, text) {
				return line
			}
		case <-timeout:
			p.t.Fatalf("no line with %q after %v", text, limit)
		}
	}
}

// linkLocalOf returns the first candidates of a node of the lab.
func linkLocalOf(t *testing.T, lab *netlab.Lab, node int) func() netip.Addr {
	t.Helper()
	out, err := lab.Exec(t.Context(), node, "cat", "/sys/class/net/"+netlab.Interface+"/address").Output()
	if err != nil {
		t.Fatal(err)
	}
	mac, err := net.ParseMAC(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return candidates(mac)
}

func newLab(t *testing.T) *netlab.Lab {
	t.Helper()
	need.Root(t)
	need.Command(t, "ip")
	return netlab.New(t, 2)
}

func TestLinkLocalWithoutDHCPWithinASecond(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	want := linkLocalOf(t, lab, 0)().String()
	m := start(t, lab, 0, "manager", "dhcp")
	m.expect("network carrier", 5*time.Second)
	began := time.Now()
	m.expect("addrs "+want+"/16", 5*time.Second)
	if took := time.Since(began); took < 400*time.Millisecond || took > 1500*time.Millisecond {
		t.Errorf("the link-local address came after %v", took)
	}
	lab.Link(0, false)
	m.expect("addrs", 5*time.Second)
	lab.Link(0, true)
	m.expect("addrs "+want+"/16", 5*time.Second)
}

func TestLinkLocalAddressInUseIsNotTaken(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	next := linkLocalOf(t, lab, 0)
	taken, want := next(), next()
	if out, err := lab.Exec(t.Context(), 1, "ip", "addr", "add", taken.String()+"/16", "dev", netlab.Interface).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := start(t, lab, 0, "manager", "dhcp")
	if line := m.expect("addrs", 5*time.Second); line != "addrs "+want.String()+"/16" {
		t.Errorf("%s, want %s, since another has %s", line, want, taken)
	}
}

func TestLinkLocalAddressIsDefendedOnce(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	next := linkLocalOf(t, lab, 0)
	first, second := next().String(), next().String()
	m := start(t, lab, 0, "manager", "dhcp")
	m.expect("addrs "+first, 5*time.Second)
	start(t, lab, 1, "announce", first)
	m.expect("another machine has our link-local address", 5*time.Second)
	for quiet := time.After(500 * time.Millisecond); quiet != nil; {
		select {
		case line := <-m.lines:
			if strings.HasPrefix(line, "addrs") || strings.Contains(line, "given up") {
				t.Errorf("after one conflict: %s", line)
			}
		case <-quiet:
			quiet = nil
		}
	}
	start(t, lab, 1, "announce", first)
	m.expect("given up", 5*time.Second)
	m.expect("addrs "+second, 5*time.Second)
}

func TestDHCPLeaseIsRenewedAndLinkLocalFollowsItsLoss(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	server := start(t, lab, 1, "dhcp", "")
	server.expect("serving", 5*time.Second)
	m := start(t, lab, 0, "manager", "dhcp")
	if line := m.expect("addrs", 5*time.Second); line != "addrs 10.9.0.7/24" {
		t.Errorf("%s, want the lease alone", line)
	}
	server.expect("got REQUEST 0.0.0.0", 5*time.Second)
	server.expect("got REQUEST 10.9.0.7", 5*time.Second) // half of the lease is over
	server.kill()
	m.expect("DHCP lease lost", 10*time.Second)
	m.expect("addrs 169.254.", 5*time.Second)
	start(t, lab, 1, "dhcp", "")
	if line := m.expect("addrs", 15*time.Second); !strings.HasPrefix(line, "addrs 10.9.0.7/24,169.254.") {
		t.Errorf("%s, want the new lease beside the link-local address", line)
	}
}

func TestAServerThatComesLateIsFoundAndItsAbsenceSaidOnce(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	lab.Link(0, false)
	m := start(t, lab, 0, "manager", "dhcp")
	m.expect("network interface", 5*time.Second)
	lab.Link(0, true)
	m.expect("no DHCP server has answered", 5*time.Second)
	quiet := time.After(6 * time.Second) // several rounds
	for quiet != nil {
		select {
		case line := <-m.lines:
			if strings.Contains(line, "DHCP") {
				t.Errorf("said once more: %s", line)
			}
		case <-quiet:
			quiet = nil
		}
	}
	start(t, lab, 1, "dhcp", "")
	m.expect("DHCP lease", 20*time.Second)
}

func TestStaticAddressOfTheCommandLine(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	m := start(t, lab, 0, "manager", "10.5.0.2::10.5.0.1:255.255.0.0::"+netlab.Interface+":off")
	m.expect("addrs 10.5.0.2/16", 5*time.Second)
	out, err := lab.Exec(t.Context(), 0, "ip", "route", "show", "default").Output()
	if err != nil || !strings.Contains(string(out), "via 10.5.0.1 dev "+netlab.Interface) {
		t.Errorf("default route: %q, %v", out, err)
	}
}

func TestAnswersLeaveByTheInterfaceThatWasAsked(t *testing.T) {
	t.Parallel()
	lab := newLab(t)
	lab.AddDeadEnd(0, "eth1", "10.78.0.1/24")
	m := start(t, lab, 0, "manager", "dhcp")
	address := map[string]string{} // by interface
	for address["eth0"] == "" || address["eth1"] == "" {
		line := m.expect(" address=169.254.", 5*time.Second)
		_, rest, _ := strings.Cut(line, " interface=")
		name, ip, _ := strings.Cut(rest, " address=")
		address[name], _, _ = strings.Cut(ip, "/")
	}
	route := func(args ...string) string {
		t.Helper()
		out, err := lab.Exec(t.Context(), 0, "ip", append([]string{"route", "get", "169.254.99.99"}, args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("ip route get %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	for _, dev := range []string{"eth0", "eth1"} {
		if got := route("from", address[dev]); !strings.Contains(got, "dev "+dev+" ") {
			t.Errorf("from %s: %s, want it to leave by %s", address[dev], got, dev)
		}
	}
	if got := route(); !strings.Contains(got, "dev eth0") {
		t.Errorf("without a source: %s, want the first interface", got)
	}
}
