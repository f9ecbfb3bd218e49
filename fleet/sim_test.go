package fleet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/capodekappa/capo/test/need"
)

// world is a simulated network of agents on one clock. A component is a set of nodes that reach
// each other. The stand-in for a log elects when all servers of its proposal run and reach each
// other, and then answers where a majority of them does.
type world struct {
	t      *testing.T
	rnd    *rand.Rand
	now    time.Time
	rules  Rules
	m      *Membership
	nodes  []*simNode
	part   []int // component of each node
	formed map[string][]Server
	trace  []string
	hellos int
	small  int // so many nodes all ask each other
}

type simNode struct {
	i       int
	a       *Agent
	d       Decision
	serves  string // incarnation whose server runs here
	quorum  time.Time
	nextAsk []time.Time
}

const simTick = 100 * time.Millisecond

func newWorld(t *testing.T, seed uint64, n int, rules Rules) *world {
	return newCrowd(t, seed, n, smallFleet, rules)
}

// newCrowd is a world whose nodes ask only some of the others when there are more than small.
func newCrowd(t *testing.T, seed uint64, n, small int, rules Rules) *world {
	f, err := New("sim")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1000, 0), rules: rules, m: f.Membership,
		part: make([]int, n), formed: map[string][]Server{}, small: small,
	}
	for i := range n {
		w.nodes = append(w.nodes, &simNode{i: i, nextAsk: make([]time.Time, n)})
		w.boot(i)
	}
	return w
}

// boot starts node i with nothing in its memory.
func (w *world) boot(i int) {
	a, err := newAgent(Config{
		Membership: w.m, ID: fmt.Sprintf("n%d", i), Boot: fmt.Sprintf("%016x", w.rnd.Uint64()),
		Listen: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), Size: w.rules.Size, Expect: w.rules.Expect,
		Clock: func() time.Time { return w.now },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	a.small = w.small
	n := w.nodes[i]
	*n = simNode{i: i, a: a, nextAsk: n.nextAsk}
}

func (w *world) reach(i, j int) bool { return w.part[i] == w.part[j] }

func (w *world) log(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%6.1f ", w.now.Sub(time.Unix(1000, 0)).Seconds())+fmt.Sprintf(format, args...))
}

// step advances the world by one tick.
func (w *world) step() {
	w.now = w.now.Add(simTick)
	for _, i := range w.rnd.Perm(len(w.nodes)) {
		n := w.nodes[i]
		for j := range w.nodes {
			if i == j || w.now.Before(n.nextAsk[j]) {
				continue
			}
			n.nextAsk[j] = w.now.Add(simTick * time.Duration(1+w.rnd.IntN(5)))
			if p := w.sight(n, w.nodes[j]); p != nil && slices.Contains(n.a.worthAsking(w.now), p) && !w.now.Before(p.next) {
				w.hello(n, w.nodes[j], p)
			}
		}
		n.a.step()
		select {
		case d := <-n.a.Decisions():
			w.obey(n, d)
		default:
		}
		w.elect()
		w.keep(n)
	}
	w.check()
}

// sight is mDNS: whoever is there is seen, and who was is remembered.
func (w *world) sight(n, other *simNode) *peer {
	key := other.a.cfg.Listen.String()
	p := n.a.peers[key]
	if p == nil && w.reach(n.i, other.i) {
		p = &peer{addr: key, static: true}
		n.a.peers[key] = p
	}
	if w.reach(n.i, other.i) {
		p.said, p.news = Ref{other.a.id, other.a.cfg.Boot}, true
	}
	return p
}

func (w *world) hello(n, from *simNode, p *peer) {
	p.news = false
	w.hellos++
	if !w.reach(n.i, from.i) {
		n.a.answer(p, nil, netip.AddrPort{}, netip.Addr{}, errors.New("no answer"))
		return
	}
	h := from.a.Hello()
	addr := from.a.cfg.Listen
	n.a.answer(p, &h, netip.AddrPortFrom(addr, DefaultPort), n.a.cfg.Listen, nil)
}

// obey is what a node does on a decision.
func (w *world) obey(n *simNode, d Decision) {
	w.log("n%d %s %s lost=%s %s", n.i, d.Role, d.Incarnation, d.Lost, d.Why)
	n.serves = ""
	if d.Role == RoleServer {
		n.serves = d.Incarnation
	}
	if d.Incarnation != n.d.Incarnation {
		n.a.SetLog(nil)
	}
	n.d = d
}

// runs returns how many of the servers run the incarnation and are reached from node i.
func (w *world) runs(i int, incarnation string, servers []Server) int {
	count := 0
	for _, s := range servers {
		for _, o := range w.nodes {
			if o.a.cfg.Boot == s.Boot && o.serves == incarnation && w.reach(i, o.i) {
				count++
			}
		}
	}
	return count
}

// elect lets logs form.
func (w *world) elect() {
	for _, n := range w.nodes {
		if n.serves != "" && w.formed[n.serves] == nil && w.runs(n.i, n.serves, n.d.Servers) == len(n.d.Servers) {
			w.formed[n.serves] = n.d.Servers
			w.log("log %s forms", n.serves)
		}
	}
}

// keep tells the agent about the log, some time after it is so.
func (w *world) keep(n *simNode) {
	servers := w.formed[n.d.Incarnation]
	if n.d.Role == RoleWaiting || n.d.Role == "" || servers == nil {
		return
	}
	majority := w.runs(n.i, n.d.Incarnation, servers) > len(servers)/2
	if majority {
		n.quorum = w.now
	}
	in := n.a.logInfo() != nil
	switch {
	case in && w.now.Sub(n.quorum) > 3*time.Second:
		n.a.SetLog(&LogState{Incarnation: n.d.Incarnation, Role: n.d.Role, Servers: servers})
	case majority && (in || w.rnd.IntN(4) == 0):
		n.a.SetLog(&LogState{Incarnation: n.d.Incarnation, Role: n.d.Role, Servers: servers, Nodes: w.members(n), Ready: true})
	}
}

func (w *world) members(n *simNode) int {
	count := 0
	for _, o := range w.nodes {
		if o.d.Incarnation == n.d.Incarnation && w.reach(n.i, o.i) {
			count++
		}
	}
	return count
}

// alive returns the formed logs that a majority of servers still runs, within one component, or
// anywhere when the component is -1.
func (w *world) alive(component int) []string {
	var list []string
	for incarnation, servers := range w.formed {
		best := 0
		for i := range w.nodes {
			if component < 0 || w.part[i] == component {
				best = max(best, w.runs(i, incarnation, servers))
			}
		}
		if best > len(servers)/2 {
			list = append(list, incarnation)
		}
	}
	slices.Sort(list)
	return list
}

// check is the promise: with the size set, there are never two logs at a time.
func (w *world) check() {
	if logs := w.alive(-1); w.rules.Size > 0 && len(logs) > 1 {
		w.t.Fatalf("two logs at a time: %v\n%s", logs, w.tail())
	}
}

func (w *world) tail() string {
	text := ""
	for _, line := range w.trace[max(0, len(w.trace)-60):] {
		text += line + "\n"
	}
	return text
}

// shuffle puts the nodes into random components.
func (w *world) shuffle() {
	k := 1 + w.rnd.IntN(3)
	for i := range w.part {
		w.part[i] = w.rnd.IntN(k)
	}
	w.log("components %v", w.part)
}

func (w *world) join() {
	clear(w.part)
	w.log("all joined")
}

func (w *world) run(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.step()
	}
}

// converged says what is not as it should be when all nodes had time together.
func (w *world) converged() string {
	want := w.nodes[0].a.logInfo()
	for _, n := range w.nodes {
		if got := n.a.logInfo(); got == nil || got.Incarnation != want.Incarnation {
			return fmt.Sprintf("node %d is in %+v, node 0 in %+v; it waits %s", n.i, got, want, n.a.Waiting())
		}
	}
	return ""
}

func (w *world) chaos() {
	for range 8 {
		w.shuffle()
		w.run(simTick * time.Duration(1+w.rnd.IntN(100)))
	}
	w.join()
	w.run(FormTimeout + 45*time.Second)
	if why := w.converged(); why != "" {
		w.t.Fatalf("no agreement after all were joined and an attempt's time was over: %s\n%s", why, w.tail())
	}
}

// Seeds of the simulated networks: some each time, many in the long run.
const (
	someSeeds = 30
	manySeeds = 600
)

func TestSimulatedNetworkNeverFormsTwoLogsWhenTheSizeIsSet(t *testing.T) {
	formUnderChaos(t, someSeeds)
}

func TestSimulatedNetworkNeverFormsTwoLogsWhenTheSizeIsSetLong(t *testing.T) {
	need.Long(t)
	formUnderChaos(t, manySeeds)
}

func formUnderChaos(t *testing.T, seeds uint64) {
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			n := 3 + int(seed%5)
			newWorld(t, seed, n, Rules{Size: n, Expect: 3}).chaos()
		})
		t.Run(fmt.Sprintf("crowd %d", seed), func(t *testing.T) {
			n := 7 + int(seed%7)
			newCrowd(t, seed, n, 3, Rules{Size: n, Expect: 3}).chaos()
		})
	}
}

func TestSimulatedIslandsWithoutSizeEndInOneLog(t *testing.T) { joinIslands(t, someSeeds) }

func TestSimulatedIslandsWithoutSizeEndInOneLogLong(t *testing.T) {
	need.Long(t)
	joinIslands(t, manySeeds)
}

func joinIslands(t *testing.T, seeds uint64) {
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			newWorld(t, seed, 3+int(seed%6), Rules{Expect: 3}).chaos()
		})
		t.Run(fmt.Sprintf("crowd %d", seed), func(t *testing.T) {
			newCrowd(t, seed, 7+int(seed%7), 3, Rules{Expect: 3}).chaos()
		})
	}
}

func TestSimulatedNodesAtOnceFormOneLogSoon(t *testing.T) {
	w := newWorld(t, 1, 6, Rules{Size: 6})
	w.run(4 * time.Second)
	if why := w.converged(); why != "" {
		t.Fatalf("four seconds: %s\n%s", why, w.tail())
	}
}

// TestSimulatedRebootWhileForming: a proposed server that boots again has another nonce, so that
// the attempt never succeeds; the others try again without it or with its new run.
func TestSimulatedRebootWhileForming(t *testing.T) { rebootWhileForming(t, someSeeds) }

func TestSimulatedRebootWhileFormingLong(t *testing.T) {
	need.Long(t)
	rebootWhileForming(t, manySeeds)
}

func rebootWhileForming(t *testing.T, seeds uint64) {
	for seed := range seeds {
		w := newWorld(t, seed, 4, Rules{Size: 4})
		for len(w.formed) == 0 && w.nodes[1].serves == "" {
			w.step()
		}
		w.boot(0)
		w.run(FormTimeout + 25*time.Second)
		if why := w.converged(); why != "" {
			t.Fatalf("seed %d: given up and tried again: %s\n%s", seed, why, w.tail())
		}
	}
}

// TestSimulatedCrowdAsksLittle: fifty nodes form a log without everybody's asking everybody.
func TestSimulatedCrowdAsksLittle(t *testing.T) {
	const n = 50
	w := newCrowd(t, 1, n, smallFleet, Rules{Size: n})
	w.run(6 * time.Second)
	if why := w.converged(); why != "" {
		t.Fatalf("six seconds: %s\n%s", why, w.tail())
	}
	if most := 6 * 5 * 2 * n * 5; w.hellos > most {
		t.Errorf("%d hellos, want at most %d: those of five candidates with all, five times a second", w.hellos, most)
	}
	t.Logf("%d hellos", w.hellos)
}
