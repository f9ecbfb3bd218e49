package disk

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/test/need"
)

// row is a partition as sfdisk sees it.
type row struct {
	Start    int64  `json:"start"`
	Size     int64  `json:"size"`
	Type     string `json:"type"`
	UUID     string `json:"uuid"`
	Name     string `json:"name"`
	Bootable bool   `json:"bootable"`
}

// sfdisk has util-linux judge a disk and returns what it sees.
func sfdisk(t *testing.T, data []byte) (label, id string, rows []row) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	program := need.Command(t, "sfdisk")
	path := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "--verify", path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "No errors detected") {
		t.Errorf("sfdisk --verify: %v\n%s", err, out)
	}
	text, err := exec.Command(program, "--json", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		PartitionTable struct {
			Label      string
			ID         string
			Partitions []row
		}
	}
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	return table.PartitionTable.Label, table.PartitionTable.ID, table.PartitionTable.Partitions
}

func build(t *testing.T, size int64, pieces ...Piece) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, size, pieces); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOthersReadAnMBR(t *testing.T) {
	head, err := MBR(64<<20, 0xcafe1234, []MBRPartition{
		{Start: 1 << 20, Size: 62 << 20, Type: TypeFAT32, Active: true},
		{Start: 63 << 20, Size: 1 << 20, Type: 0xa2},
	})
	if err != nil {
		t.Fatal(err)
	}
	label, id, rows := sfdisk(t, build(t, 64<<20, Data(0, head)))
	want := []row{{Start: 2048, Size: 62 << 11, Type: "c", Bootable: true}, {Start: 63 << 11, Size: 2048, Type: "a2"}}
	if diff := cmp.Diff(want, rows); diff != "" || label != "dos" || id != "0xcafe1234" {
		t.Errorf("%s %s (-want +got):\n%s", label, id, diff)
	}
}

func TestOthersReadAGPT(t *testing.T) {
	disk, one, two := DeriveGUID("disk"), DeriveGUID("one"), DeriveGUID("two")
	const size = 40<<20 + 17*SectorSize
	head, tail, err := GPT(size, disk, []Partition{
		{Start: TableSize, Size: 1 << 20, Type: BIOSBoot, ID: one, Name: "bios"},
		{Start: 2 << 20, Size: size - TableSize + SectorSize - 2<<20, Type: ESP, ID: two, Name: "capo"},
	})
	if err != nil {
		t.Fatal(err)
	}
	whole := build(t, size, Data(size-int64(len(tail)), tail), Data(0, head))
	want := []row{
		{Start: 34, Size: 2048, Type: strings.ToUpper(BIOSBoot), UUID: strings.ToUpper(one.String()), Name: "bios"},
		{Start: 4096, Size: size/SectorSize - 33 - 4096, Type: strings.ToUpper(ESP), UUID: strings.ToUpper(two.String()), Name: "capo"},
	}
	label, id, rows := sfdisk(t, whole)
	if diff := cmp.Diff(want, rows); diff != "" || label != "gpt" || !strings.EqualFold(id, disk.String()) {
		t.Errorf("%s %s (-want +got):\n%s", label, id, diff)
	}
	clear(whole[SectorSize : TableSize/2]) // the copy at the end serves when the first is gone
	if _, _, rows := sfdisk(t, whole); len(rows) != 2 {
		t.Errorf("without the first header: %v", rows)
	}
}

func TestTablesRefuse(t *testing.T) {
	whole := MBRPartition{Start: SectorSize, Size: 1<<20 - SectorSize}
	for name, parts := range map[string][]MBRPartition{
		"five":            {whole, whole, whole, whole, whole},
		"overlap":         {whole, {Start: 1 << 19, Size: SectorSize}},
		"beyond the end":  {{Start: 1 << 20, Size: SectorSize}},
		"over the table":  {{Start: 0, Size: SectorSize}},
		"half a sector":   {{Start: 700, Size: SectorSize}},
		"nothing":         {{Start: SectorSize}},
		"a negative size": {{Start: SectorSize, Size: -SectorSize}},
	} {
		if _, err := MBR(1<<20, 0, parts); err == nil {
			t.Errorf("MBR with %s: no error", name)
		}
	}
	for name, p := range map[string]Partition{
		"over the table": {Start: SectorSize, Size: 1 << 20, Type: ESP},
		"over the copy":  {Start: 1 << 20, Size: 1 << 20, Type: ESP},
		"no type":        {Start: 1 << 19, Size: SectorSize},
		"a long name":    {Start: 1 << 19, Size: SectorSize, Type: ESP, Name: strings.Repeat("x", 37)},
	} {
		if _, _, err := GPT(2<<20, GUID{}, []Partition{p}); err == nil {
			t.Errorf("GPT with %s: no error", name)
		}
	}
	if _, _, err := GPT(TableSize, GUID{}, nil); err == nil {
		t.Error("GPT on a tiny disk: no error")
	}
}

func TestWriteRefusesWhatOverlaps(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, 10, []Piece{Data(0, []byte("abc")), Data(2, []byte("d"))}); err == nil {
		t.Error("an overlap: no error")
	}
	if err := Write(&b, 10, []Piece{Data(9, []byte("ab"))}); err == nil {
		t.Error("beyond the end: no error")
	}
	b.Reset()
	if err := Write(&b, 6, []Piece{Data(3, []byte("b")), Data(1, []byte("a"))}); err != nil || b.String() != "\x00a\x00b\x00\x00" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestGUID(t *testing.T) {
	g, err := ParseGUID(ESP)
	if err != nil || g.String() != ESP || g[0] != 0x28 {
		t.Errorf("%v (% x), %v", g, g[:], err)
	}
	if _, err := ParseGUID("x"); err == nil {
		t.Error("x: no error")
	}
	if DeriveGUID("a") == DeriveGUID("b") || DeriveGUID("a") != DeriveGUID("a") {
		t.Error("GUIDs are not derived from the text")
	}
}
