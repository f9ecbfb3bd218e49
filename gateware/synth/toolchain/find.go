package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Kind is where tools come from.
type Kind string

// The kinds.
const (
	Any         Kind = ""            // native where all tools are on the PATH, else WebAssembly
	Native      Kind = "native"      // from the PATH
	WebAssembly Kind = "webassembly" // from npm, in a process of their own
)

// Variable overrules a zero Config.Kind: native or webassembly.
const Variable = "CAPO_SYNTH"

// Limits of a run unless said otherwise.
const (
	DefaultLimit  = 5 * time.Minute
	DefaultMemory = 3 << 30
)

// Config says which tools to take and what they may use.
type Config struct {
	Kind   Kind
	Tools  []string      // default Tools()
	Exec   string        // the program whose main calls Main; default: this one
	Limit  time.Duration // wall time of one run; default DefaultLimit
	Memory int64         // bytes of a WebAssembly tool; default DefaultMemory. Native tools are not limited
}

// Toolchain is a set of tools that can be run. It is safe for concurrent use.
type Toolchain struct {
	Kind     Kind
	Versions map[string]string // tool → what it calls itself

	cfg   Config
	paths map[string]string // tool → program or module
	share map[string]string // tool → its data folder (WebAssembly)
	cache string            // of compiled modules
}

// Open finds the tools. Errors: *Error with ErrMissing, saying how to get them.
func Open(ctx context.Context, cfg Config) (*Toolchain, error) {
	if cfg.Kind == Any {
		cfg.Kind = Kind(os.Getenv(Variable))
	}
	if len(cfg.Tools) == 0 {
		cfg.Tools = Tools()
	}
	if cfg.Limit <= 0 {
		cfg.Limit = DefaultLimit
	}
	if cfg.Memory <= 0 {
		cfg.Memory = DefaultMemory
	}
	switch cfg.Kind {
	case Native:
		return openNative(ctx, cfg)
	case WebAssembly:
		return openWebAssembly(cfg)
	case Any:
		t, missing := openNative(ctx, cfg)
		if !errors.Is(missing, ErrMissing) {
			return t, missing
		}
		return openWebAssembly(cfg)
	}
	return nil, fmt.Errorf("open the tools: %q is neither %s nor %s ($%s)", cfg.Kind, Native, WebAssembly, Variable)
}

func openNative(ctx context.Context, cfg Config) (*Toolchain, error) {
	t := &Toolchain{Kind: Native, Versions: map[string]string{}, cfg: cfg, paths: map[string]string{}}
	for _, tool := range cfg.Tools {
		path, err := exec.LookPath(tool)
		if err != nil {
			return nil, &Error{Tool: tool, Kind: ErrMissing, Mend: install(tool)}
		}
		t.paths[tool] = path
		if t.Versions[tool], err = nativeVersion(ctx, tool, path); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// nativeVersion is what a tool calls itself, or the digest of one that has no name for itself.
func nativeVersion(ctx context.Context, tool, path string) (string, error) {
	if tool == Icepack || tool == Ecppack {
		return fileDigest(path)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, path, map[string]string{Yosys: "-V", Nextpnr: "--version", NextpnrECP5: "--version"}[tool]).CombinedOutput()
	if err != nil {
		return "", &Error{Tool: tool, Kind: ErrCrashed, Detail: fmt.Sprintf("asked for its version: %v: %s", err, lastLines(output, 2)), Mend: "reinstall it, or set " + Variable + "=" + string(WebAssembly)}
	}
	return cleanVersion(string(output)), nil
}

// cleanVersion takes the tool's name and brackets away: "nextpnr-ice40 -- Next Generation Place and Route (Version 0.4-1)" is 0.4-1.
func cleanVersion(text string) string {
	text = strings.TrimSpace(text)
	if _, v, found := strings.Cut(text, "(Version "); found {
		return strings.TrimSuffix(v, ")")
	}
	return strings.TrimPrefix(text, "Yosys ")
}

func fileDigest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))[:16], nil
}

func openWebAssembly(cfg Config) (*Toolchain, error) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		return nil, &Error{Tool: Yosys, Kind: ErrMissing, Detail: "WebAssembly is compiled only for amd64 and arm64, this is " + runtime.GOARCH, Mend: "apt-get install yosys nextpnr-ice40 fpga-icestorm"}
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, &Error{Tool: Yosys, Kind: ErrMissing, Detail: err.Error(), Mend: InstallCommand}
	}
	packages, err := Locked()
	if err != nil {
		return nil, err
	}
	t := &Toolchain{Kind: WebAssembly, Versions: map[string]string{}, cfg: cfg, paths: map[string]string{}, share: map[string]string{}, cache: filepath.Join(cache, "synth", "wazero")}
	for _, p := range packages {
		if !p.present(cache) {
			return nil, &Error{Tool: p.String(), Kind: ErrMissing, Detail: "neither are the tools on the PATH", Mend: InstallCommand}
		}
		for tool, module := range p.Tools {
			t.paths[tool] = filepath.Join(p.folder(cache), filepath.FromSlash(strings.TrimPrefix(module, "gen/")))
			t.share[tool] = filepath.Join(p.folder(cache), "share")
			t.Versions[tool] = p.String()
		}
	}
	for _, tool := range cfg.Tools {
		if t.paths[tool] == "" {
			return nil, &Error{Tool: tool, Kind: ErrMissing, Detail: "there is none as WebAssembly either", Mend: install(tool)}
		}
	}
	return t, nil
}

// Match tells whether these are the tools, in the versions, that something was made with. Errors: *Error with ErrVersion.
func (t *Toolchain) Match(versions map[string]string) error {
	for _, tool := range t.cfg.Tools {
		if want, known := versions[tool]; known && want != t.Versions[tool] {
			return &Error{Tool: tool, Kind: ErrVersion, Detail: fmt.Sprintf("%s is wanted, %s is here", want, t.Versions[tool]),
				Mend: "install that version, or take the pinned ones: " + InstallCommand + " and " + Variable + "=" + string(WebAssembly)}
		}
	}
	return nil
}

// Warm starts each tool once. WebAssembly is compiled by that, which takes half a minute the first time and is kept.
func (t *Toolchain) Warm(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "capo-synth-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, tool := range t.cfg.Tools {
		var failed *Error
		if _, err := t.Run(ctx, tool, dir, "--help"); errors.As(err, &failed) && failed.Kind != ErrFailed {
			return err
		}
	}
	return nil
}
