package images

import (
	"log/slog"
	"os"
	"path/filepath"
)

// Source is where the parts of an image come from. The zero value looks in the usual places and logs
// nothing.
type Source struct {
	// Dist is a folder made by `make dist`, from the option --dist; it is looked at first.
	Dist string
	// Log receives what takes time or is not as pinned.
	Log *slog.Logger
}

// NewSource returns a source that looks in dist first, if it is set, and logs to log, if it is not nil.
func NewSource(dist string, log *slog.Logger) *Source {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Source{Dist: dist, Log: log}
}

// dists returns the folders that may hold prebuilt parts, first choice first.
func (s *Source) dists() []string {
	var dirs []string
	for _, dir := range []string{s.Dist, os.Getenv("CAPO_DIST")} {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	if cache, err := CacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(cache, "dist", Version()))
	}
	return dirs
}
