// Package formnode is a node that forms a log and does nothing else: the fleet's agent, its hello
// served over HTTP, and in place of the log a stand-in that elects as an empty JetStream does: a
// log answers once every server that its proposal names runs, and then while a majority does.
// Tests run many of them as processes.
package formnode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
)

// Config is what a forming-only node is started with, as a JSON file.
type Config struct {
	FleetFile  string   `json:"fleet_file"` // path of fleet.json
	ID         string   `json:"id"`
	Boot       string   `json:"boot"` // "": a new one
	Listen     string   `json:"listen"`
	Interfaces []string `json:"interfaces"`
	Port       int      `json:"port"`
	Size       int      `json:"size"`
	Expect     int      `json:"expect"`
	Anchor     bool     `json:"anchor"`
	Peers      []string `json:"peers"`
	Mute       bool     `json:"mute"` // never start a server: a node whose log does not come up
}

// lostAfter is for how long a majority of the servers must be gone for a node to call its log lost.
const lostAfter = 3 * time.Second

// Run is a node until ctx ends. The file's content is a Config.
func Run(ctx context.Context, file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var cfg Config
	if err := json.Unmarshal(raw, &cfg); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	n, err := newNode(cfg)
	if err != nil {
		return err
	}
	return n.run(ctx)
}

// node is one forming-only node.
type node struct {
	cfg    Config
	agent  *fleet.Agent
	config fleet.Config
	client *http.Client
	start  time.Time

	mu      sync.Mutex // guards the fields below
	serves  string     // the incarnation whose server runs here
	callers map[string]time.Time
	quorum  time.Time // when a majority of the servers was last there
}

func newNode(cfg Config) (*node, error) {
	raw, err := os.ReadFile(cfg.FleetFile)
	if err != nil {
		return nil, err
	}
	m, err := fleet.ParseMembership(raw)
	if err != nil {
		return nil, err
	}
	var listen netip.Addr
	if cfg.Listen != "" {
		if listen, err = netip.ParseAddr(cfg.Listen); err != nil {
			return nil, err
		}
	}
	level := slog.LevelInfo
	if os.Getenv("CAPO_DEBUG") != "" {
		level = slog.LevelDebug
	}
	authority, speaker, err := m.Enter(cfg.ID, trust.Options{})
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: time.Second}
	if listen.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: listen.AsSlice()}
	}
	return &node{
		cfg: cfg,
		config: fleet.Config{
			Membership: m, Authority: authority, Renamed: func(id string) { _ = speaker.Mint(id, trust.Names{}) }, ID: cfg.ID, Boot: cfg.Boot, Name: cfg.ID, Board: "host", Arch: "test", Version: "test",
			Listen: listen, Interfaces: cfg.Interfaces, Port: cfg.Port, Size: cfg.Size, Expect: cfg.Expect,
			Anchor: cfg.Anchor, Peers: cfg.Peers,
			Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
		},
		client:  &http.Client{Timeout: time.Second, Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: authority.Client(nil)}},
		start:   time.Now(),
		callers: map[string]time.Time{},
	}, nil
}

func (n *node) run(ctx context.Context) error {
	host := ""
	if n.config.Listen.IsValid() {
		host = n.config.Listen.String()
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(n.cfg.Port)))
	if err != nil {
		return err
	}
	if n.agent, err = fleet.Start(ctx, n.config); err != nil {
		return err
	}
	defer n.agent.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /v1/hello", n.agent.Handler())
	mux.HandleFunc("GET /form/{incarnation}", n.form)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(n.config.Authority.Listener(listener)) }()
	defer server.Close()
	var d fleet.Decision
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case next := <-n.agent.Decisions():
			n.turn(d, next)
			d = next
		case <-ticker.C:
		}
		n.keep(ctx, d)
	}
}

// turn starts and stops the stand-in server.
func (n *node) turn(old, d fleet.Decision) {
	fmt.Printf(`{"ms":%d,"role":%q,"incarnation":%q,"lost":%q}`+"\n", time.Since(n.start).Milliseconds(), d.Role, d.Incarnation, d.Lost)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serves = ""
	if d.Role == fleet.RoleServer && !n.cfg.Mute {
		n.serves = d.Incarnation
	}
	if d.Incarnation != old.Incarnation {
		n.callers = map[string]time.Time{}
		n.agent.SetLog(nil)
	}
}

// keep says in hello that the log is there once it is.
func (n *node) keep(ctx context.Context, d fleet.Decision) {
	if d.Role == fleet.RoleWaiting || d.Role == "" || n.cfg.Mute && d.Role == fleet.RoleServer {
		return
	}
	up := 0
	for _, s := range d.Servers {
		if s.Boot == n.agent.Boot() || n.call(ctx, s, d.Incarnation) == nil {
			up++
		}
	}
	majority, now := up > len(d.Servers)/2, time.Now()
	if majority {
		n.quorum = now
	}
	ready := n.agent.Hello().Log != nil
	if ready && now.Sub(n.quorum) > lostAfter {
		n.agent.SetState(fleet.StateLost)
		n.agent.SetLog(&fleet.LogState{Incarnation: d.Incarnation, Role: d.Role, Servers: d.Servers})
		return
	}
	if !ready && d.Role == fleet.RoleServer && majority && n.agent.Hello().LastLog == d.Incarnation {
		up = len(d.Servers) // formed before: a majority goes on
	}
	if !ready && up < len(d.Servers) && !(d.Role == fleet.RoleClient && majority) {
		return
	}
	n.agent.SetState(fleet.StateReady)
	n.agent.SetLog(&fleet.LogState{
		Incarnation: d.Incarnation, Role: d.Role, Servers: d.Servers, Nodes: n.count(len(d.Servers)), Anchor: n.cfg.Anchor, Ready: true,
	})
}

func (n *node) count(servers int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	for who, at := range n.callers {
		if time.Since(at) > 2*time.Second {
			delete(n.callers, who)
		}
	}
	return max(servers, len(n.callers)+1)
}

func (n *node) call(ctx context.Context, s fleet.Server, incarnation string) error {
	port := n.cfg.Port
	for _, p := range n.agent.Peers() {
		if p.Boot == s.Boot {
			port = int(p.Addr.Port())
		}
	}
	url := fmt.Sprintf("https://%s/form/%s?boot=%s", net.JoinHostPort(s.Addr.String(), strconv.Itoa(port)), incarnation, n.agent.Boot())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func (n *node) form(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.serves == "" || n.serves != r.PathValue("incarnation") {
		http.Error(w, "not serving that log", http.StatusNotFound)
		return
	}
	if len(n.callers) < 1000 {
		n.callers[r.URL.Query().Get("boot")] = time.Now()
	}
}
