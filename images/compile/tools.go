package compile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/capodekappa/capo/buildroot"
)

// systemPath comes before the user's own PATH: builds start the system's Python with the modules that its packages
// installed, and a Python of the user's would not find them.
const systemPath = "/usr/sbin:/usr/bin:/sbin:/bin"

// environment is that of all programs of a build. Whatever would change the result is fixed or left out.
func environment() []string {
	env := []string{
		"PATH=" + systemPath + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(),
		"LC_ALL=C", "TZ=UTC", "SOURCE_DATE_EPOCH=0",
		"KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970", "KBUILD_BUILD_USER=capo", "KBUILD_BUILD_HOST=capo", "KBUILD_BUILD_VERSION=1",
	}
	return env
}

// Tool is a program or a file that building needs, and Debian's package that has it.
type Tool struct {
	// Program is looked for on the PATH. Where it is empty, File must be there.
	Program, File string
	// Package is Debian's and Ubuntu's name.
	Package string
}

// Tools lists what a recipe needs.
func Tools(r buildroot.Recipe) []Tool {
	list := []Tool{
		{Program: "make", Package: "make"}, {Program: "gcc", Package: "gcc"}, {Program: r.Cross + "gcc", Package: crossPackage(r.Cross)},
		{Program: "bison", Package: "bison"}, {Program: "flex", Package: "flex"}, {Program: "bc", Package: "bc"},
		{Program: "tar", Package: "tar"}, {Program: "xz", Package: "xz-utils"}, {Program: "nice", Package: "coreutils"},
		{File: "/usr/include/stdio.h", Package: "libc6-dev"},
	}
	if r.Kind == buildroot.KindUBoot {
		list = append(list, Tool{Program: "dpkg-source", Package: "dpkg-dev"}, Tool{Program: "patch", Package: "patch"}, Tool{Program: "swig", Package: "swig"},
			Tool{Program: "python3-config", Package: "python3-dev"}, Tool{File: "/usr/lib/python3/dist-packages/setuptools/__init__.py", Package: "python3-setuptools"},
			Tool{File: "/usr/include/openssl/ssl.h", Package: "libssl-dev"}, Tool{File: "/usr/include/gnutls/gnutls.h", Package: "libgnutls28-dev"})
	}
	return list
}

// crossPackage is Debian's name of a cross compiler: arm-linux-gnueabihf- is in gcc-arm-linux-gnueabihf.
func crossPackage(cross string) string { return "gcc-" + strings.TrimSuffix(cross, "-") }

// checkTools returns an [ErrTools] that names all that is missing.
func checkTools(r buildroot.Recipe) error {
	var missing []string
	for _, t := range Tools(r) {
		if !t.here() {
			missing = append(missing, t.Package)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: install the packages %s (`capo doctor --install --for build` does)", ErrTools, strings.Join(missing, " "))
}

func (t Tool) here() bool {
	if t.File != "" {
		_, err := os.Stat(t.File)
		return err == nil
	}
	for _, dir := range filepath.SplitList(systemPath) {
		if info, err := os.Stat(filepath.Join(dir, t.Program)); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	_, err := exec.LookPath(t.Program)
	return err == nil
}
