package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// RegistryVariable names the npm registry where there is no npm to ask.
const RegistryVariable = "CAPO_NPM_REGISTRY"

// Fetch gets the pinned packages that the cache lacks, checks them against the lock and unpacks them. It asks npm, which
// knows the user's registry, or, where there is no npm, the registry that $CAPO_NPM_REGISTRY names. Progress goes to out.
func Fetch(ctx context.Context, out io.Writer) error {
	cache, err := CacheDir()
	if err != nil {
		return err
	}
	packages, err := Locked()
	if err != nil {
		return err
	}
	for _, p := range packages {
		if p.present(cache) {
			continue
		}
		if err := p.fetch(ctx, cache, out); err != nil {
			return fmt.Errorf("fetch %s: %w", p, err)
		}
	}
	return nil
}

// Fetched tells whether the cache has all pinned packages.
func Fetched() bool {
	cache, err := CacheDir()
	if err != nil {
		return false
	}
	packages, err := Locked()
	for _, p := range packages {
		if !p.present(cache) {
			return false
		}
	}
	return err == nil
}

func (p Package) fetch(ctx context.Context, cache string, out io.Writer) error {
	final := p.folder(cache)
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(final), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // nothing is left there after a rename
	fmt.Fprintf(out, "+ fetch %s (%d MB)\n", p, p.Bytes>>20)
	archive := filepath.Join(tmp, "archive.tgz")
	if err := p.download(ctx, tmp, archive); err != nil {
		return err
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := p.check(f); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	unpacked := filepath.Join(tmp, "unpacked")
	if err := p.unpack(f, unpacked); err != nil {
		return err
	}
	if err := os.Rename(unpacked, final); err != nil && !p.present(cache) { // else somebody else was faster
		return err
	}
	return nil
}

func (p Package) download(ctx context.Context, dir, archive string) error {
	if registry := os.Getenv(RegistryVariable); registry != "" {
		return p.get(ctx, registry, archive)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return &Error{Tool: "npm", Kind: ErrMissing, Mend: "install npm, set $" + RegistryVariable + " to a registry, or install the tools themselves: apt-get install yosys nextpnr-ice40 fpga-icestorm"}
	}
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--pack-destination", ".", p.String())
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("npm pack: %w: %s", err, lastLines(output, 3))
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("npm pack wrote %d archives, not one", len(found))
	}
	return os.Rename(found[0], archive)
}

// get downloads the archive from where registries keep it.
func (p Package) get(ctx context.Context, registry, archive string) error {
	url := strings.TrimSuffix(registry, "/") + "/" + p.Name + "/-/" + p.archive()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	f, err := os.Create(archive)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.LimitReader(resp.Body, p.Bytes+1))
	return errors.Join(err, f.Close())
}

// lastLines is the end of what a program printed, on one line.
func lastLines(output []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], " | ")
}
