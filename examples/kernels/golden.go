package kernels

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// Golden is an input of a kernel and the output that it must give.
type Golden struct {
	File   string // the source, such as edges.ts
	Kernel string
	In     string // a file of testdata, as Out; relative to the source
	Out    string
	Width  int // of a row; 0 where In says it, or nothing needs to
}

var goldenLine = regexp.MustCompile(`\{ kernel: '(\w+)', in: '([^']+)',(?: width: (\d+),)? out: '([^']+)' \}`)

// Goldens lists the goldens of all sources in a folder, file by file, in their order.
func Goldens(dir string) ([]Golden, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.ts"))
	if err != nil {
		return nil, err
	}
	var all []Golden
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		lines := goldenLine.FindAllStringSubmatch(string(text), -1)
		if len(lines) == 0 {
			return nil, fmt.Errorf("%s names no goldens", file)
		}
		for _, m := range lines {
			width, _ := strconv.Atoi(m[3])
			all = append(all, Golden{File: filepath.Base(file), Kernel: m[1], In: m[2], Out: m[4], Width: width})
		}
	}
	return all, nil
}

// Frame reads the golden's input, with the width of its rows.
func (g Golden) Frame(dir string) (Frame, error) {
	f, err := ReadFrame(filepath.Join(dir, g.In))
	if g.Width > 0 {
		f.Width = g.Width
	}
	return f, err
}
