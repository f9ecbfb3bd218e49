package cell

import "embed"

// files are in the binary, since it runs in machines that have no source.
//
//go:embed testdata/*.hex
var files embed.FS

func golden(path string) ([]byte, error) { return files.ReadFile(path) }
