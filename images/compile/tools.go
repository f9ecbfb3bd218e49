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

// tool is a program or a header that a build needs, and Debian's package that has it.
type tool struct {
	program, file, pkg string
}

// tools lists what a recipe needs besides its compiler.
func tools(r buildroot.Recipe) []tool {
	list := []tool{
		{program: "make", pkg: "make"}, {program: "gcc", pkg: "gcc"}, {program: r.Cross + "gcc", pkg: crossPackage(r.Cross)},
		{program: "bison", pkg: "bison"}, {program: "flex", pkg: "flex"}, {program: "bc", pkg: "bc"},
		{program: "tar", pkg: "tar"}, {program: "xz", pkg: "xz-utils"}, {program: "nice", pkg: "coreutils"},
		{file: "/usr/include/stdio.h", pkg: "libc6-dev"},
	}
	if r.Kind == buildroot.KindUBoot {
		list = append(list, tool{program: "dpkg-source", pkg: "dpkg-dev"}, tool{program: "patch", pkg: "patch"}, tool{program: "swig", pkg: "swig"},
			tool{program: "python3-config", pkg: "python3-dev"}, tool{file: "/usr/lib/python3/dist-packages/setuptools/__init__.py", pkg: "python3-setuptools"},
			tool{file: "/usr/include/openssl/ssl.h", pkg: "libssl-dev"}, tool{file: "/usr/include/gnutls/gnutls.h", pkg: "libgnutls28-dev"})
	}
	return list
}

// crossPackage is Debian's name of a cross compiler: arm-linux-gnueabihf- is in gcc-arm-linux-gnueabihf.
func crossPackage(cross string) string { return "gcc-" + strings.TrimSuffix(cross, "-") }

// checkTools returns an [ErrTools] that names all that is missing.
func checkTools(r buildroot.Recipe) error {
	var missing []string
	for _, t := range tools(r) {
		if !t.here() {
			missing = append(missing, t.pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: install the packages %s (`capo doctor --install --for build` does)", ErrTools, strings.Join(missing, " "))
}

func (t tool) here() bool {
	if t.file != "" {
		_, err := os.Stat(t.file)
		return err == nil
	}
	for _, dir := range filepath.SplitList(systemPath) {
		if info, err := os.Stat(filepath.Join(dir, t.program)); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	_, err := exec.LookPath(t.program)
	return err == nil
}
