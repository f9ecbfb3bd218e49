package synth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/capodekappa/capo/gateware/synth/toolchain"
)

// key names the result of a build by all that it depends on.
func (b *build) key() (string, error) {
	text, err := json.Marshal(struct {
		Flow      int
		Top, Core string
		Part      any
		MHz       float64
		Seeds     int
		Near      float64
		Kind      toolchain.Kind
		Versions  map[string]string
		Steps     string
		Placement []string
	}{flow, b.top, b.core.Verilog, b.part, b.o.MHz, b.o.Seeds, b.o.Near, b.o.Tools.Kind, b.o.Tools.Versions, b.family.script(b.part), b.family.place(b.part, b.o.MHz, 1)})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func cacheFile(key string) (string, error) {
	dir, err := toolchain.CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "synth", "bitstreams", key[:2], key), nil
}

// kept is the first line of a file of the cache; the bitstream follows.
type kept struct {
	SHA256 string `json:"sha256"`
	Report Report `json:"report"`
}

// load finds a result. A file that is not whole is none.
func load(key string) (*Result, error) {
	name, err := cacheFile(key)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	head, bin, _ := bytes.Cut(data, []byte("\n"))
	var k kept
	if err := json.Unmarshal(head, &k); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if sum := sha256.Sum256(bin); hex.EncodeToString(sum[:]) != k.SHA256 {
		return nil, fmt.Errorf("read %s: the bitstream is not what was written", name)
	}
	return &Result{Bitstream: bin, Report: k.Report, Cached: true}, nil
}

func store(key string, r *Result) error {
	name, err := cacheFile(key)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(r.Bitstream)
	head, err := json.Marshal(kept{hex.EncodeToString(sum[:]), r.Report})
	if err != nil {
		return err
	}
	return toolchain.Keep(name, append(append(head, '\n'), r.Bitstream...))
}
