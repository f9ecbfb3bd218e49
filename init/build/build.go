// Package build says which build of the node this is. Its values are set by the linker (-X), see images.Source.Node.
package build

import (
	"strconv"
	"time"
)

// Set by the linker and never changed.
var (
	version = "dev"
	unix    = "0"
)

// Version returns the version, such as v0.3.0 or dev-713dfcb.
func Version() string { return version }

// Time returns the time of the source that was built, below which a node's clock never goes. It is the zero Unix time
// in a build that was not told.
func Time() time.Time {
	n, err := strconv.ParseInt(unix, 10, 64)
	if err != nil || n < 0 {
		n = 0
	}
	return time.Unix(n, 0).UTC()
}
