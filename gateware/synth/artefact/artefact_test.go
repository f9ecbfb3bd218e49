package artefact

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/capodekappa/capo/gateware/synth/spi"
)

var update = flag.Bool("update", false, "write the golden file anew")

// sample is a file with every field set. Its bitstream is none.
func sample() *File {
	return &File{
		Manifest: Manifest{
			Name: "gray", Text: "kernel \"\"\n", Part: "ice40up5k-sg48", IDCODE: "", Wrapper: 1,
			Link:   &spi.Link{InBytes: 3, OutBytes: 1, Framing: spi.Flagged, Period: 3, Latency: 4, Stages: []spi.Stage{{DelayRows: 1, DelayCols: 1, HopRows: 2, HopCols: 2}}},
			FmaxHz: 50500000, Resources: Resources{Cells: 249, LUTs: 179, FFs: 127, Carries: 90, BRAMs: 2},
			Kind: "native", Tools: map[string]string{"yosys": "0.23", "nextpnr-ice40": "0.4-1", "icepack": "sha256:0123456789abcdef"}, Seed: 1,
			Golden: []Vector{{Width: 2, In: []byte{0, 0, 0, 255, 255, 255}, Out: []byte{0, 255}}},
		},
		Bitstream: []byte("a bitstream is binary: \x7e\xaa\x99\x7e"),
	}
}

func encoded(t testing.TB) []byte {
	t.Helper()
	data, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAFileComesBackAsItWas(t *testing.T) {
	want := sample()
	name, err := want.Save(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(name) != "gray.ice40up5k-sg48.kernel" {
		t.Errorf("the file is %s", name)
	}
	got, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" { // Save filled want in
		t.Error(diff)
	}
}

func TestTheGoldenFileIsAsDescribed(t *testing.T) {
	name := filepath.Join("testdata", "gray.ice40up5k-sg48.kernel")
	if *update {
		if err := os.WriteFile(name, encoded(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(golden, encoded(t)) {
		t.Errorf("today's code writes another file than %s (-update if that is meant, and then a new version)", name)
	}
	if _, err := Decode(golden); err != nil {
		t.Errorf("the golden file is refused: %v", err)
	}
}

func TestEveryCutIsFound(t *testing.T) {
	data := encoded(t)
	for n := range data {
		if _, err := Decode(data[:n]); !errors.Is(err, ErrTruncated) {
			t.Fatalf("cut after %d of %d bytes: %v", n, len(data), err)
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	data := encoded(t)
	for i := range 8 * len(data) {
		data[i/8] ^= 1 << (i % 8)
		if f, err := Decode(data); err == nil {
			t.Fatalf("bit %d of byte %d: taken as %+v", i%8, i/8, f.Manifest)
		}
		data[i/8] ^= 1 << (i % 8)
	}
}

func TestWrongFilesAreToldApart(t *testing.T) {
	whole := encoded(t)
	edited := func(edit func([]byte) []byte) []byte { return edit(bytes.Clone(whole)) }
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"another file", []byte("#!/bin/sh\necho hello; exit 0 # a script"), ErrFormat},
		{"a short other file", []byte("x"), ErrFormat},
		{"nothing", nil, ErrTruncated},
		{"a newer format", edited(func(b []byte) []byte { b[7] = 9; return b }), ErrVersion},
		{"something behind it", append(bytes.Clone(whole), 0), ErrCorrupt},
		{"a length of four gigabytes", edited(func(b []byte) []byte { binary.LittleEndian.PutUint32(b[12:], 1<<32-1); return b }), ErrCorrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Decode(tt.data); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestManifestsThatContradictThemselvesAreRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Manifest)
		want   error
	}{
		{"a name that is a path", func(m *Manifest) { m.Name = "../x" }, ErrManifest},
		{"a part that is a path", func(m *Manifest) { m.Part = "a/b" }, ErrManifest},
		{"an IDCODE without digits", func(m *Manifest) { m.IDCODE = "0x" }, ErrManifest},
		{"no link", func(m *Manifest) { m.Link = nil }, ErrManifest},
		{"a wrong link", func(m *Manifest) { m.Link.Period = 7 }, ErrManifest},
		{"a newer wrapper", func(m *Manifest) { m.Wrapper = 99 }, ErrVersion},
		{"half a token", func(m *Manifest) { m.Golden[0].In = []byte{1} }, ErrManifest},
		{"huge vectors", func(m *Manifest) { m.Golden[0].In = make([]byte, 3*MaxGolden) }, ErrManifest},
		{"a negative width", func(m *Manifest) { m.Golden[0].Width = -1 }, ErrManifest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := sample()
			tt.change(&f.Manifest)
			if _, err := Encode(f); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

func TestABitstreamOfAnotherManifestIsRefused(t *testing.T) {
	f := sample()
	if _, err := Encode(f); err != nil {
		t.Fatal(err)
	}
	manifest := encoded(t)[headSize:]
	manifest = manifest[:bytes.IndexByte(manifest, '\n')]
	if _, err := decode(manifest, append(f.Bitstream, 0)); !errors.Is(err, ErrManifest) {
		t.Errorf("%v", err)
	}
	other := strings.Replace(string(manifest), `kernel \"\"`, `kernel \"x\"`, 1)
	if _, err := decode([]byte(other), f.Bitstream); !errors.Is(err, ErrManifest) || other == string(manifest) {
		t.Errorf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encoded(f), false)
	f.Add([]byte(magic), true)
	f.Fuzz(func(t *testing.T, data []byte, mend bool) {
		if mend && len(data) >= headSize { // so that the fuzzer gets past the digest
			data = bytes.Clone(data)
			copy(data, magic)
			m := min(binary.LittleEndian.Uint32(data[8:]), uint32(len(data)-headSize))
			binary.LittleEndian.PutUint32(data[8:], m)
			binary.LittleEndian.PutUint32(data[12:], uint32(len(data)-headSize)-m)
			copy(data[sumAt:], whole(data))
		}
		file, err := Decode(data)
		if err != nil {
			return
		}
		again, err := Encode(file)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if _, err := Decode(again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}
