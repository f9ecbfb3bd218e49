package images

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// aptRoot is a package manager of our own beside the machine's: it has its own lists and cache, so it
// needs no root and can ask for releases and architectures that the machine does not use.
type aptRoot struct {
	dir    string
	arch   string
	source bool // it asks for source packages
}

// debianKeyring is where the package debian-archive-keyring puts Debian's keys, on Ubuntu too.
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// openApt makes the private apt root that can ask for a package. Its lists are those of the last [aptRoot.update].
func openApt(dir string, pin Pin) (*aptRoot, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil, fmt.Errorf("fetching it needs apt-get; on another system use --dist or $CAPO_DIST with what `make dist` made: %w", err)
	}
	if _, err := os.Stat(debianKeyring); err != nil {
		return nil, fmt.Errorf("fetching it needs Debian's keys; install the package debian-archive-keyring: %w", err)
	}
	sources := debianSources(os.DirFS("/"), os.Getenv("CAPO_DEBIAN_MIRROR"))
	if len(sources) == 0 {
		return nil, fmt.Errorf("fetching it needs a Debian mirror, and this machine's apt uses none: set CAPO_DEBIAN_MIRROR to a mirror's URL")
	}
	a := &aptRoot{dir: dir, arch: pin.Arch, source: pin.Arch == sourceArch}
	if pin.Arch == "all" || a.source {
		a.arch = "amd64" // any has them
	}
	for _, d := range []string{"lists/partial", "archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("make apt root: %w", err)
		}
	}
	files := map[string]string{"sources.list": sourcesList(sources, pin, a.arch), "status": ""}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("make apt root: %w", err)
		}
	}
	return a, nil
}

// update reads the archive's lists.
func (a *aptRoot) update(ctx context.Context) error {
	_, err := a.run(ctx, a.dir, "apt-get", "update")
	return err
}

// download fetches a package ("name" or "name=version") into a new folder and returns the file's path: a .deb, or the
// .dsc of a source package.
func (a *aptRoot) download(ctx context.Context, pkg string) (string, error) {
	dir, err := os.MkdirTemp(a.dir, "download-")
	if err != nil {
		return "", err
	}
	args, pattern := []string{"download", pkg}, "*.deb"
	if a.source {
		args, pattern = []string{"source", "--download-only", pkg}, "*.dsc"
	}
	if _, err := a.run(ctx, dir, "apt-get", args...); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	files, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is valid
	if len(files) != 1 {
		return "", errors.Join(fmt.Errorf("apt-get download %s left %d files", pkg, len(files)), os.RemoveAll(dir))
	}
	return files[0], nil
}

// firstDependency returns the first package that pkg depends on: the kernel, for a package such as
// linux-image-cloud-amd64.
func (a *aptRoot) firstDependency(ctx context.Context, pkg string) (string, error) {
	out, err := a.run(ctx, a.dir, "apt-cache", "depends", pkg)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		if dep, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok {
			return dep, nil
		}
	}
	return "", fmt.Errorf("package %s depends on nothing", pkg)
}

func (a *aptRoot) run(ctx context.Context, dir, program string, args ...string) (string, error) {
	options := []string{
		"-qq",
		"-o", "Dir::State=" + a.dir, "-o", "Dir::State::lists=lists", "-o", "Dir::State::status=" + filepath.Join(a.dir, "status"),
		"-o", "Dir::Cache=" + a.dir, "-o", "Dir::Cache::archives=archives",
		"-o", "Dir::Etc::sourcelist=" + filepath.Join(a.dir, "sources.list"), "-o", "Dir::Etc::sourceparts=-",
		"-o", "APT::Architecture=" + a.arch, "-o", "APT::Architectures=" + a.arch,
		"-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none", "-o", "Debug::NoLocking=1",
	}
	cmd := exec.CommandContext(ctx, program, append(options, args...)...)
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// debianSources returns the base URLs of Debian's archives: mirror if it is set, else those that the
// machine's own apt uses.
func debianSources(root fs.FS, mirror string) []string {
	if mirror != "" {
		return []string{strings.TrimSuffix(mirror, "/")}
	}
	names, _ := fs.Glob(root, "etc/apt/sources.list.d/*") // the pattern is valid
	var urls []string
	for _, name := range append([]string{"etc/apt/sources.list"}, names...) {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			continue
		}
		urls = append(urls, sourceURLs(string(text))...)
	}
	slices.Sort(urls)
	return slices.Compact(urls)
}

// sourceURLs finds the URLs of Debian's archives in a file of sources.list(5), in either of its two
// formats. Debian's archives are known by the last element of their path.
func sourceURLs(text string) []string {
	var urls []string
	scanner := bufio.NewScanner(strings.NewReader(text))
	for scanner.Scan() {
		fields := strings.Fields(scanner.Text())
		if len(fields) == 0 || (fields[0] != "deb" && !strings.EqualFold(fields[0], "URIs:")) {
			continue
		}
		for _, f := range fields[1:] {
			url := strings.TrimSuffix(f, "/")
			if base := path.Base(url); strings.Contains(url, "://") && (base == "debian" || base == "debian-security") {
				urls = append(urls, url)
			}
		}
	}
	return urls
}

// sourcesList writes a sources.list for the suite and the component of a package.
func sourcesList(urls []string, pin Pin, arch string) string {
	kind, component := "deb", pin.Component
	if pin.Arch == sourceArch {
		kind = "deb-src"
	}
	if component == "" {
		component = "main"
	}
	var b strings.Builder
	for _, url := range urls {
		s := pin.Suite
		if path.Base(url) == "debian-security" {
			s += "-security"
		}
		fmt.Fprintf(&b, "%s [arch=%s signed-by=%s] %s %s %s\n", kind, arch, debianKeyring, url, s, component)
	}
	return b.String()
}
