package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/fdt"
)

// TestRelativesHaveTheirDeviceTreesToo is for cards that serve several models, of which the firmware chooses one.
func TestRelativesHaveTheirDeviceTreesToo(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	for _, name := range []string{"own.dtb", "plus.dtb"} {
		tree := fdt.Tree{Root: &fdt.Node{Props: []fdt.Prop{fdt.String("model", name)}}}
		if err := os.WriteFile(filepath.Join(dir, name), tree.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := &Linux{DTBs: dir}
	b := &board.Board{Linux: &board.Linux{DTB: "own.dtb", DTBs: []string{"plus.dtb"}}, Ramoops: &board.Ramoops{Address: "0x1000", Size: 65536}}
	own, others, err := l.dtbs(b)
	if err != nil || len(others) != 1 {
		t.Fatalf("dtbs = %q, %q, %v", own, others, err)
	}
	for name, path := range map[string]string{"own.dtb": own, "plus.dtb": others[0]} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := fdt.Parse(data)
		if err != nil || filepath.Base(path) != name || tree.Root.Child("reserved-memory") == nil {
			t.Errorf("%s of %s: %v, or without memory for the last log", path, name, err)
		}
	}
	b.Linux.DTBs = []string{"none.dtb"}
	if _, _, err := l.dtbs(b); err == nil || !strings.Contains(err.Error(), "none.dtb") {
		t.Errorf("dtbs with a tree that is not there: %v", err)
	}
}

func TestGivenFilesThatNotEveryUserNeedsMayBeAbsent(t *testing.T) {
	b := &board.Board{Name: "x", Boot: &board.Boot{Given: []board.Given{{To: "BOOT.BIN", Why: "w"}, {To: "u-boot.img", Why: "w", Optional: true}}}}
	dir := t.TempDir()
	if _, err := givenFiles(b, dir); err == nil || strings.Contains(err.Error(), "u-boot.img") {
		t.Errorf("givenFiles of an empty folder: %v, want a word of BOOT.BIN alone", err)
	}
	for n, name := range []string{"BOOT.BIN", "u-boot.img"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		files, err := givenFiles(b, dir)
		if err != nil || len(files) != n+1 {
			t.Errorf("givenFiles after %s = %d files, %v", name, len(files), err)
		}
	}
}

func TestTextsOfADeviceTreeAreSet(t *testing.T) {
	wdt := &fdt.Node{Name: "watchdog@fd4d0000", Props: []fdt.Prop{fdt.String("status", "disabled")}}
	root := &fdt.Node{Children: []*fdt.Node{{Name: "aliases"}, {Name: "axi", Children: []*fdt.Node{wdt}}}}
	set := func(nodes map[string]map[string]string) (*fdt.Tree, error) {
		data, err := deviceTree(&board.Board{Linux: &board.Linux{Tree: nodes}}, (&fdt.Tree{Root: root}).Bytes())
		if err != nil {
			return nil, err
		}
		return fdt.Parse(data)
	}
	tree, err := set(map[string]map[string]string{"/aliases": {"ethernet0": "/axi/ethernet@ff0e0000"}, "/axi/watchdog@fd4d0000": {"status": "okay"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []fdt.Prop{fdt.String("ethernet0", "/axi/ethernet@ff0e0000")}
	if diff := cmp.Diff(want, tree.Root.Child("aliases").Props); diff != "" {
		t.Errorf("aliases (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]fdt.Prop{fdt.String("status", "okay")}, tree.Root.Child("axi").Child(wdt.Name).Props); diff != "" {
		t.Errorf("watchdog (-want +got):\n%s", diff)
	}
	if _, err := set(map[string]map[string]string{"/axi/none": {"status": "okay"}}); err == nil || !strings.Contains(err.Error(), "/axi/none") {
		t.Errorf("a node that is not there: %v", err)
	}
}
