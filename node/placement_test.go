package node

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/node/api"
)

func beats(ids ...string) []heartbeat {
	var list []heartbeat
	for _, id := range ids {
		list = append(list, heartbeat{Folded: true, Node: api.Node{ID: id, Board: "host", Labels: map[string]string{"odd": fmt.Sprint(int(id[0]) % 2)}}})
	}
	return list
}

func TestPlaceKeepsOtherCopiesWhenANodeLeaves(t *testing.T) {
	m := api.Manifest{Name: "edges"}
	m.Settings.Place.Copies = 2
	before, err := place(m, beats("a", "b", "c", "d", "e"))
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != 2 {
		t.Fatalf("placed on %v, want two nodes", before)
	}
	rest := slices.DeleteFunc(beats("a", "b", "c", "d", "e"), func(b heartbeat) bool { return b.ID == before[0] })
	after, err := place(m, rest)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(after, before[1]) {
		t.Errorf("%s left and %v became %v: the other copy moved", before[0], before, after)
	}
}

func TestPlaceHoldsBothSelectors(t *testing.T) {
	m := api.Manifest{Name: "edges", On: "id!=a"}
	m.Settings.Place.On = "odd=1"
	got, err := place(m, beats("a", "b", "c"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"c"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestShareGivesEachPartitionToOneNode(t *testing.T) {
	for n := 1; n <= 10; n++ {
		var nodes []string
		for i := range n {
			nodes = append(nodes, fmt.Sprint("n", i))
		}
		var all []int
		for _, id := range nodes {
			mine := share("edges", 8, nodes, id)
			if len(mine) < 8/n || len(mine) > (8+n-1)/n {
				t.Errorf("%d nodes: %s reads %v, not an even share", n, id, mine)
			}
			all = append(all, mine...)
		}
		slices.Sort(all)
		if diff := cmp.Diff([]int{0, 1, 2, 3, 4, 5, 6, 7}, all); diff != "" {
			t.Errorf("%d nodes: %s", n, diff)
		}
	}
	if got := share("edges", 8, []string{"a"}, "b"); got != nil {
		t.Errorf("a node outside reads %v", got)
	}
}
