package node

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
)

// collector is a place that takes shipped lines.
type collector struct {
	mu      sync.Mutex // guards what follows
	lines   []api.Line
	answers []int  // the next ones; then 204
	other   string // where an answer that redirects points
	posts   int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts++
	if r.Method != "POST" || r.Header.Get("Content-Type") != "application/x-ndjson" {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	if len(c.answers) > 0 {
		code := c.answers[0]
		c.answers = c.answers[1:]
		w.Header().Set("Location", c.other)
		w.WriteHeader(code)
		return
	}
	c.read(r.Body)
	w.WriteHeader(http.StatusNoContent)
}

func (c *collector) read(r io.Reader) {
	for scan := bufio.NewScanner(r); scan.Scan(); {
		var l api.Line
		if json.Unmarshal(scan.Bytes(), &l) == nil {
			c.lines = append(c.lines, l)
		}
	}
}

func (c *collector) messages() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, l := range c.lines {
		all = append(all, l.Message)
	}
	return all
}

// await waits until so many lines have come.
func (c *collector) await(t *testing.T, n int) []string {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got := c.messages()
		if len(got) >= n {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("%d lines, want %d: %q", len(got), n, got)
		}
	}
}

func shipTo(t *testing.T, url string, clean func(string) string) (*shipper, func()) {
	t.Helper()
	s, err := newShipper(url, "n1", clean, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.retry = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	stop := sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	go func() { defer close(done); s.run(ctx) }()
	return s, stop
}

// awaitCounts waits until the shipper says that it did this: it hears later than the collector.
func (s *shipper) awaitCounts(t *testing.T, want shipCounts) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if counts, _ := s.told(); counts == want {
			return
		} else if time.Now().After(end) {
			t.Fatalf("%+v, want %+v", counts, want)
		}
	}
}

func count(n int) (want []string) {
	for i := range n {
		want = append(want, fmt.Sprint("line ", i))
	}
	return want
}

func sameLines(t *testing.T, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %d lines %.300q, want %d %.300q", len(got), got, len(want), want)
	}
}

func TestLinesArePostedInOrderWithTheirNode(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	s, _ := shipTo(t, server.URL+"/in?key=1", nil)
	for _, m := range count(3000) {
		s.put(api.Line{Time: time.Unix(1, 0).UTC(), Job: "tick", Level: "info", Message: m})
	}
	sameLines(t, c.await(t, 3000), count(3000))
	if l := c.lines[0]; l.Node != "n1" || l.Job != "tick" || l.Level != "info" || !l.Time.Equal(time.Unix(1, 0)) {
		t.Errorf("line %+v", l)
	}
	if c.posts > 30 {
		t.Errorf("%d requests for 3000 lines", c.posts)
	}
	s.awaitCounts(t, shipCounts{sent: 3000})
}

func TestLinesAreKeptUntilThereIsANetwork(t *testing.T) {
	hold, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := hold.Addr().String()
	hold.Close() // nobody is there yet
	s, _ := shipTo(t, "http://"+address+"/", nil)
	want := count(40)
	for _, m := range want[:20] {
		s.put(api.Line{Message: m})
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if counts, _ := s.told(); counts.failures >= 2 {
			break
		}
	}
	for _, m := range want[20:] {
		s.put(api.Line{Message: m})
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the port that was free a moment ago: %v", err)
	}
	c := &collector{}
	server := &http.Server{Handler: c}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	sameLines(t, c.await(t, 40), want)
}

func TestABatchIsSentAgainUntilItIsTaken(t *testing.T) {
	elsewhere := &collector{}
	other := httptest.NewServer(elsewhere)
	defer other.Close()
	c := &collector{answers: []int{500, 503, 429, 401, 307, 302}, other: other.URL}
	server := httptest.NewServer(c)
	defer server.Close()
	s, _ := shipTo(t, server.URL, nil)
	for _, m := range count(5) {
		s.put(api.Line{Message: m})
	}
	sameLines(t, c.await(t, 5), count(5))
	s.awaitCounts(t, shipCounts{sent: 5, failures: 6})
	if elsewhere.posts > 0 {
		t.Error("lines went where an answer pointed")
	}
}

func TestABatchThatIsRefusedForEverIsDroppedAndCounted(t *testing.T) {
	c := &collector{answers: []int{413}}
	server := httptest.NewServer(c)
	defer server.Close()
	s, _ := shipTo(t, server.URL, nil)
	s.put(api.Line{Message: "bad"})
	s.awaitCounts(t, shipCounts{dropped: 1, failures: 1})
	s.put(api.Line{Message: "good"})
	sameLines(t, c.await(t, 1), []string{"good"})
	s.awaitCounts(t, shipCounts{sent: 1, dropped: 1, failures: 1})
}

func TestLinesThatWaitAreBoundedAndTheOldestGo(t *testing.T) {
	s, err := newShipper("http://127.0.0.1:1/", "n1", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.Repeat("x", 1000)
	const n = 5000
	for i := range n {
		s.put(api.Line{Message: fmt.Sprint(fill, i)})
	}
	counts, waiting := s.told()
	if s.bytes > maxWaitingBytes || s.bytes < maxWaitingBytes*9/10 || int(counts.dropped)+waiting != n {
		t.Fatalf("%d bytes wait, %+v, %d lines wait", s.bytes, counts, waiting)
	}
	var got []string
	size := 0
	for batch := s.take(); len(batch) > 0; batch = s.take() {
		bytes := 0
		for _, line := range batch {
			var l api.Line
			if err := json.Unmarshal(line, &l); err != nil {
				t.Fatal(err)
			}
			got = append(got, l.Message)
			bytes += len(line)
		}
		size = max(size, bytes)
	}
	if want := fmt.Sprintf("%d older lines were dropped", counts.dropped); !strings.HasPrefix(got[0], want) || got[len(got)-1] != fmt.Sprint(fill, n-1) {
		t.Errorf("first %.60q, last %.60q", got[0], got[len(got)-1])
	}
	if size > maxShipment+maxLine || s.bytes != 0 {
		t.Errorf("a batch of %d bytes; %d left", size, s.bytes)
	}
}

func TestSecretsAreTakenOutOfShippedLines(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	s, stop := shipTo(t, server.URL, func(m string) string { return strings.ReplaceAll(m, "hunter2", "[secret]") })
	log := alsoShip(slog.New(slog.DiscardHandler), s)
	log.Info("dropped by the first handler")
	s.put(api.Line{Message: "the password is hunter2"})
	sameLines(t, c.await(t, 1), []string{"the password is [secret]"})
	s.put(api.Line{Message: "at the end"})
	stop() // what waits is sent before the end
	sameLines(t, c.messages(), []string{"the password is [secret]", "at the end"})
}

func TestTheNodesOwnLogIsShipped(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	s, _ := shipTo(t, server.URL, nil)
	log := alsoShip(slog.New(slog.NewTextHandler(io.Discard, nil)), s).With("id", "n1")
	log.Warn("joined the log", "log", "0123")
	log.Debug("not at this level")
	s.rename("n2")
	log.WithGroup("g").Log(t.Context(), slog.LevelInfo+2, "x", "time", 1)
	sameLines(t, c.await(t, 2), []string{`msg="joined the log" id=n1 log=0123`, `msg=x id=n1 g.time=1`})
	if a, b := c.lines[0], c.lines[1]; a.Level != "warn" || a.Node != "n1" || a.Job != "" || b.Level != "info" || b.Node != "n2" || a.Time.IsZero() {
		t.Errorf("lines %+v %+v", a, b)
	}
}

func TestLinesGoOverTCPAndUDP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := &collector{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			scan := bufio.NewScanner(conn)
			for scan.Scan() {
				c.mu.Lock()
				c.read(strings.NewReader(scan.Text()))
				c.mu.Unlock()
			}
		}
	}()
	s, _ := shipTo(t, "tcp://"+listener.Addr().String(), nil)
	for _, m := range count(100) {
		s.put(api.Line{Message: m})
	}
	sameLines(t, c.await(t, 100), count(100))

	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	s, _ = shipTo(t, "udp://"+packets.LocalAddr().String(), nil)
	s.put(api.Line{Message: "one"})
	s.put(api.Line{Message: "two"})
	for _, want := range []string{"one", "two"} {
		buf := make([]byte, 64<<10)
		_ = packets.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _, err := packets.ReadFrom(buf)
		var l api.Line
		if err != nil || json.Unmarshal(buf[:n], &l) != nil || l.Message != want {
			t.Errorf("datagram %q, %v; want %s", buf[:n], err, want)
		}
	}
}

func TestAURLThatLogsCannotBeShippedToIsRefused(t *testing.T) {
	for url, want := range map[string]string{
		"nowhere": "is no URL", "http://": "is no URL", "http://me:hunter2@": "is no URL", "ftp://a/b": "http, https, tcp or udp", "tcp://a": "a port is needed", "https://me:hunter2@a/b": "a password has no place",
	} {
		_, err := newShipper(url, "n1", nil, nil)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
}

func TestANodeShipsWhatItPrints(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	n := &Node{lines: newLines(func(m string) string { return strings.ReplaceAll(m, "hunter2", "…") })}
	log := n.shipLogs(Config{ID: "n1", Logs: server.URL, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	stop := n.ship.start(t.Context())
	log.Info("hello")
	n.lines.put("tick", "info", "hunter2 from a job")
	c.await(t, 2)
	log.Info("bye")
	stop()
	sameLines(t, c.messages(), []string{"msg=hello", "… from a job", "msg=bye"})
	if c.lines[1].Job != "tick" || c.lines[1].Node != "n1" {
		t.Errorf("line %+v", c.lines[1])
	}
	none := &Node{lines: newLines(strings.Clone)}
	for _, url := range []string{"", "nonsense"} {
		base := slog.New(slog.DiscardHandler)
		if got := none.shipLogs(Config{Logs: url, Log: base}); got != base {
			t.Errorf("a log that goes to %q", url)
		}
		none.lines.put("", "info", "nowhere")
		none.ship.start(t.Context())()
	}
}

func TestWhatWasSaidBeforeTheNodeBeganIsShipped(t *testing.T) {
	c := &collector{}
	server := httptest.NewServer(c)
	defer server.Close()
	var console strings.Builder
	machine := slog.New(Tap(slog.NewTextHandler(&console, nil)))
	machine.Info("eth0 is up")
	machine.With("link", "eth0").Warn("no lease")
	for i := range maxTapped {
		machine.Info(fmt.Sprint("line ", i))
	}
	n := &Node{lines: newLines(strings.Clone)}
	log := n.shipLogs(Config{ID: "n1", Logs: server.URL, Log: machine})
	stop := n.ship.start(t.Context())
	log.Info("ready")
	machine.Info("lease")
	stop()
	got := c.messages()
	if len(got) != maxTapped+2 || got[0] != `msg="eth0 is up"` || got[1] != `msg="no lease" link=eth0` || got[maxTapped] != "msg=ready" || got[maxTapped+1] != "msg=lease" {
		t.Errorf("%d lines: %q … %q", len(got), got[:2], got[len(got)-2:])
	}
	none := &Node{lines: newLines(strings.Clone)}
	quiet := Tap(slog.DiscardHandler).(*tap)
	_, _ = quiet.to.Write([]byte("level=INFO msg=x\n"))
	none.shipLogs(Config{Log: slog.New(quiet)})
	_, _ = quiet.to.Write([]byte("level=INFO msg=x\n"))
	if len(quiet.to.kept) != 0 {
		t.Error("lines are kept that are shipped nowhere")
	}
	if n := strings.Count(console.String(), "\n"); n != maxTapped+4 {
		t.Errorf("%d lines on the console", n)
	}
}
