package forming

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/capodekappa/capo/test/need"
	"github.com/capodekappa/capo/test/netlab"
	"github.com/capodekappa/capo/test/netlab/formnode"
)

// nodeEnv makes the test's own binary a forming-only node; its value is the node's file.
const nodeEnv = "CAPO_FORMNODE"

func TestMain(m *testing.M) {
	if file := os.Getenv(nodeEnv); file != "" {
		ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer cancel()
		if err := formnode.Run(ctx, file); err != nil {
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
		os.Exit(1)
	}
	os.Exit(code)
}

// binary is a copy of the test's own program. The original may be out of reach for an
// unprivileged user; and it is made before any test runs, since a file cannot be executed while a
// process that another test just forked still has it open for writing.
var binary string

func withBinary(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "capo-formnode-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	binary = filepath.Join(dir, "formnode")
	if err := Copy(self, binary); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// startFormnode is the Starter of a forming-only node.
func startFormnode(t testing.TB, s Spec) (argv, env []string) {
	t.Helper()
	raw, err := json.Marshal(formnode.Config{
		FleetFile: s.FleetFile, ID: s.ID, Boot: s.Boot, Listen: s.Listen, Port: s.Port, Size: s.Size, Expect: s.Expect,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir, "node.json")
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return []string{binary}, []string{nodeEnv + "=" + file}
}

func onLoopback(t *testing.T) *Cluster { return NewCluster(t, Loopback(), startFormnode) }

func inLab(t *testing.T, n int) (*Cluster, *netlab.Lab) {
	lab := netlab.New(t, n)
	return NewCluster(t, InLab(lab), startFormnode), lab
}

// everywhere holds the scenarios that need no partition.
var everywhere = map[string]func(*Cluster){
	"six at once": SixAtOnce, "staggered": Staggered, "two of three": TwoOfThree, "two fleets": TwoFleets,
	"twin ids": TwinIDs, "late twin": LateTwin, "late node": LateNode,
	"one alone": OneAlone, "two expected": TwoExpected, "power cut": PowerCut,
}

// Package lab runs the same scenarios with real nodes. These are for finding out whether it is the forming that
// fails or what the nodes do beside it.

func TestStandInsFormOnLoopbackLong(t *testing.T) {
	need.Long(t)
	for name, scenario := range everywhere {
		t.Run(name, func(t *testing.T) { t.Parallel(); scenario(onLoopback(t)) })
	}
}

func TestStandInsFormInNamespacesLong(t *testing.T) {
	need.Long(t)
	for name, scenario := range everywhere {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := inLab(t, 6)
			scenario(c)
		})
	}
}

func TestStandInsMeetPartitionsLong(t *testing.T) {
	need.Long(t)
	t.Run("islands meet", func(t *testing.T) {
		t.Parallel()
		c, lab := inLab(t, 7)
		IslandsMeet(c, lab)
	})
	for name, scenario := range map[string]func(*Cluster, *netlab.Lab){
		"islands too small": IslandsTooSmall, "flapping link": FlappingLink, "minority forms no other": MinorityFormsNoOther,
		"same address elsewhere": SameAddressElsewhere,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, lab := inLab(t, 6)
			scenario(c, lab)
		})
	}
}
