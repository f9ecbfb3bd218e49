package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/capodekappa/capo/fleet/trust"
)

// Peer is a log server as another one reaches it.
type Peer struct {
	ID   string     // the node's; empty: what comes before the last dash of Name
	Name string     // server name: node id and boot nonce
	Addr netip.Addr // address on the peers' segment
}

// ServerConfig says which log a server carries and with whom.
type ServerConfig struct {
	Name        string                    // unique for each boot: id + boot nonce
	Incarnation string                    // the log's name; servers of another one are refused
	Listen      netip.Addr                // the one address to listen on; zero: on all, since peers may come by several
	Peers       []Peer                    // all servers of the log, this one included; one means no cluster
	Authority   *trust.Authority          // as whom the server speaks, and whom it believes
	Inputs      func(job string) []string // the streams that a job's callers may append to; may be nil
	Join        bool                      // the log is there already: take a seat in it; Peers are those that carry it, and this server
	StoreDir    string                    // a folder on tmpfs for the consensus logs
	MaxMemory   int64                     // bytes for all streams together; see [Server.Used]
	Log         *slog.Logger
}

// Server is a running log server.
type Server struct {
	nats *server.Server
	done chan struct{}
	cfg  ServerConfig

	access *access
	stop   func() // ends watching for what is revoked
	swept  sync.WaitGroup
}

// StartServer starts a log server and returns when it accepts clients, which is before the
// log has a leader.
func StartServer(ctx context.Context, cfg ServerConfig) (*Server, error) {
	opts := &server.Options{}
	if err := opts.ProcessConfigString(serverConfig(cfg)); err != nil {
		return nil, fmt.Errorf("log server %s: configuration: %w", cfg.Name, err)
	}
	opts.NoSigs = true
	a := newAccess(cfg)
	secure(opts, a)
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("log server %s: %w", cfg.Name, err)
	}
	a.nats = ns
	// The first election is held 0.1 to 0.8 s after JetStream's start, and one that is held before all
	// servers can hear it costs the next four to nine seconds. So they start it together.
	opts.JetStream = false
	ns.SetLoggerV2(natsLogger{cfg.Log}, false, false, false)
	s := &Server{nats: ns, done: make(chan struct{}), cfg: cfg, access: a, stop: cfg.Authority.Watch(a.sweep)}
	go func() {
		defer close(s.done)
		ns.Start()
		ns.WaitForShutdown()
	}()
	s.swept.Go(func() { a.keepSweeping(s.done) })
	limit := 30 * time.Second
	if d, ok := ctx.Deadline(); ok {
		limit = time.Until(d)
	}
	if !ns.ReadyForConnections(limit) {
		s.Close()
		return nil, fmt.Errorf("log server %s on %s: did not accept connections within %v", cfg.Name, cfg.listen(), limit)
	}
	if err := s.awaitPeers(ctx, cfg); err != nil {
		s.Close()
		return nil, err
	}
	opts.JetStream = true
	err = ns.EnableJetStream(&server.JetStreamConfig{MaxMemory: opts.JetStreamMaxMemory, MaxStore: opts.JetStreamMaxStore, StoreDir: opts.StoreDir,
		SyncInterval: opts.SyncInterval, Strict: true, CompressOK: true})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("log server %s: start JetStream: %w", cfg.Name, err)
	}
	return s, nil
}

// Close hands the server's seats over where it leads, stops it and waits for it.
func (s *Server) Close() {
	s.stop()
	s.nats.Shutdown()
	<-s.done
	s.swept.Wait()
}

// Used is how many bytes the streams on this server hold together.
func (s *Server) Used() int64 {
	info, err := s.nats.Jsz(nil)
	if err != nil {
		return 0
	}
	return int64(info.Memory)
}

// serverConfig writes the server's options as text: options built in Go lose JetStream when
// they are reloaded.
func serverConfig(cfg ServerConfig) string {
	var b strings.Builder
	q := strconv.Quote
	fmt.Fprintf(&b, "server_name: %s\nhost: %s\nport: %d\n", q(cfg.Name), q(cfg.listen()), ClientPort)
	fmt.Fprintf(&b, "max_payload: %d\nmax_control_line: 4096\nreconnect_error_reports: 1000\nping_interval: \"10s\"\nping_max: 2\nwrite_deadline: \"10s\"\n", MaxRecord+256<<10)
	fmt.Fprintf(&b, "jetstream { store_dir: %s, max_memory_store: %d, max_file_store: %d, sync_interval: \"10m\" }\n",
		q(cfg.StoreDir), overcommit*cfg.MaxMemory, 256<<20)
	b.WriteString(accountsConfig)
	if len(cfg.Peers) > 1 {
		fmt.Fprintf(&b, "cluster {\n name: %s\n host: %s\n port: %d\n no_advertise: true\n connect_retries: 1000000\n ping_interval: \"2s\"\n ping_max: 2\n routes: [\n", q(cfg.Incarnation), q(cfg.listen()), RoutePort)
		for _, p := range cfg.Peers {
			fmt.Fprintf(&b, "  %s\n", q(serverURL("nats-route", p.Addr, RoutePort)))
		}
		b.WriteString(" ]\n}\n")
	}
	return b.String()
}

// listen is the host to bind.
func (cfg ServerConfig) listen() string {
	if cfg.Listen.IsValid() {
		return cfg.Listen.String()
	}
	if probe, err := net.Listen("tcp6", "[::]:0"); err == nil {
		probe.Close()
		return "::" // takes IPv4 too
	}
	return "0.0.0.0"
}

// accountsConfig has the accounts, and what viewers and callers reach of the data. Their requests are passed on by the server, so
// that its answers stay in the account of the one who asked.
var accountsConfig = fmt.Sprintf(`accounts {
 %s { }
 %s { jetstream: enabled }
 %s { jetstream: enabled, exports: [ %s { service: "in.*.*" } ] }
 %s { imports: [ %s ] }
 %s { imports: [ { service: { account: %s, subject: "in.*.*" } } ] }
}
system_account: %[1]s
`, accountSystem, accountCore, accountData, viewExports(), accountView, viewImports(), accountCall, accountData)

func viewExports() string {
	var b strings.Builder
	for _, subject := range viewSubjects {
		fmt.Fprintf(&b, "{ service: %q, response: Stream }, ", subject)
	}
	return b.String()
}

func viewImports() string {
	var list []string
	for _, subject := range viewSubjects {
		list = append(list, fmt.Sprintf("{ service: { account: %s, subject: %q } }", accountData, subject))
	}
	return strings.Join(list, ", ")
}

// secure has the server speak TLS 1.3 alone, to clients and to other servers.
func secure(opts *server.Options, a *access) {
	opts.TLSConfig, opts.TLS, opts.TLSTimeout = a.authority.Server(), true, 5
	opts.TLSHandshakeFirst, opts.TLSHandshakeFirstFallback = true, 50*time.Millisecond // for clients that do not know of it
	opts.AuthTimeout = 5
	opts.CustomClientAuthentication, opts.CustomRouterAuthentication = a, routes{a}
	if opts.Cluster.Name == "" {
		return
	}
	// One configuration serves both ends of a route: this one is used for calling another server, and answers for who calls.
	both := a.authority.Client(a.carries)
	both.GetConfigForClient = opts.TLSConfig.GetConfigForClient
	both.GetCertificate = opts.TLSConfig.GetCertificate
	opts.Cluster.TLSConfig, opts.Cluster.TLSTimeout, opts.Cluster.AuthTimeout = both, 5, 5
}

// SetServers says who carries the log from now on: no other node's server is let in.
func (s *Server) SetServers(peers []Peer) { s.access.setServers(peers) }

// serverURL is a server's URL; the zone of a link-local address is escaped as URLs want it.
func serverURL(scheme string, addr netip.Addr, port int) string {
	u := url.URL{Scheme: scheme, Host: net.JoinHostPort(addr.String(), strconv.Itoa(port))}
	return u.String()
}

// own returns the options of a connection to this server in its own process.
func (s *Server) own(user string) []nats.Option {
	return []nats.Option{nats.InProcessServer(s.nats), nats.UserInfo(user, s.access.secret)}
}

// overcommit is how many times a server's memory may be promised to streams: few are ever full. What is
// really used is held to the memory by the nodes, which refuse appends.
const overcommit = 4

// natsLogger gives the server's messages to slog, its everyday notices at debug level.
type natsLogger struct{ log *slog.Logger }

func (l natsLogger) Noticef(f string, v ...any) { l.at(slog.LevelDebug, f, v) }
func (l natsLogger) Warnf(f string, v ...any)   { l.at(slog.LevelDebug, f, v) }
func (l natsLogger) Fatalf(f string, v ...any)  { l.at(slog.LevelError, f, v) }
func (l natsLogger) Debugf(string, ...any)      {}
func (l natsLogger) Tracef(string, ...any)      {}

// Errorf gives what is refused at debug level too: access says so itself, and a stranger can cause as much of it as he likes.
func (l natsLogger) Errorf(f string, v ...any) {
	level := slog.LevelWarn
	if text := fmt.Sprintf(f, v...); strings.Contains(text, "TLS handshake error") || strings.Contains(text, "authentication error") {
		level = slog.LevelDebug
	}
	l.at(level, f, v)
}

func (l natsLogger) at(level slog.Level, format string, v []any) {
	if l.log != nil {
		l.log.Log(context.Background(), level, "nats: "+fmt.Sprintf(format, v...))
	}
}

var errClosed = errors.New("log is closed")
