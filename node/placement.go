package node

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/node/selector"
)

// place picks the nodes that a job belongs to: those that its selectors hold for, and of them as
// many as it wants copies (0: all), by rendezvous hashing, so that a node that comes or goes moves no
// other copy. A node that drains keeps a job until it has let it go, and gets no other.
func place(m api.Manifest, live []heartbeat) ([]string, error) {
	var want [2]selector.Selector
	for i, text := range []string{m.Settings.Place.On, m.On} {
		s, err := selector.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", m.Name, err)
		}
		want[i] = s
	}
	ids := []string{}
	for _, b := range live {
		if _, here := b.Stats[m.Name]; b.State == fleet.StateDraining && !here {
			continue
		}
		if arch := m.Settings.Needs.Arch; len(arch) > 0 && !slices.Contains(arch, b.Arch) {
			continue
		}
		if labels := api.Labels(b.Node); want[0].Matches(labels) && want[1].Matches(labels) {
			ids = append(ids, b.ID)
		}
	}
	if n := m.Settings.Place.Copies; n > 0 && len(ids) > n {
		slices.SortFunc(ids, func(a, b string) int {
			return cmp.Or(cmp.Compare(score(m.Name, b), score(m.Name, a)), cmp.Compare(a, b))
		})
		ids = ids[:n]
	}
	slices.Sort(ids)
	return ids, nil
}

func score(job, node string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(job))
	h.Write([]byte{0})
	h.Write([]byte(node))
	return mix(h.Sum64())
}

// mix spreads FNV's weak high bits (the finaliser of MurmurHash3).
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// share is the partitions of a job's input that a node reads: its even share of them, the same
// for all who see the same nodes.
func share(job string, partitions int, nodes []string, self string) []int {
	me := slices.Index(nodes, self)
	if me < 0 {
		return nil
	}
	offset := int(score(job, "") % uint64(len(nodes)))
	var mine []int
	for p := range partitions {
		if (p+offset)%len(nodes) == me {
			mine = append(mine, p)
		}
	}
	return mine
}
