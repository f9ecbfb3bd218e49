package images

import (
	"runtime/debug"
	"strings"
)

// Version returns the version of this program: a tag, dev-REVISION for a build in a checkout, or dev. Node
// executables that it builds carry the same one.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	return versionOf(info.Main.Version, settings["vcs.revision"], settings["vcs.modified"] == "true")
}

// versionOf makes a short version of what the go tool stamps into a program.
func versionOf(module, revision string, modified bool) string {
	if module != "" && module != "(devel)" && !modified && !strings.HasPrefix(module, "v0.0.0-") {
		return module
	}
	if len(revision) < 7 {
		return "dev"
	}
	v := "dev-" + revision[:7]
	if modified {
		v += "-dirty"
	}
	return v
}
