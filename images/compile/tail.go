package compile

import (
	"bytes"
	"strings"
)

// tail keeps what matters of a program's output for an error: the first line that looks like one, since with several jobs others
// go on printing after it, and the last lines.
type tail struct {
	first string
	line  []byte // the one that is being written
	last  []string
}

const (
	tailLines = 12
	tailWidth = 400
)

// Write takes more of the output.
func (t *tail) Write(p []byte) (int, error) {
	t.line = append(t.line, p...)
	for {
		line, rest, ok := bytes.Cut(t.line, []byte("\n"))
		if !ok {
			break
		}
		t.add(string(line))
		t.line = rest
	}
	if len(t.line) > tailWidth {
		t.line = t.line[:tailWidth]
	}
	return len(p), nil
}

func (t *tail) add(line string) {
	line = line[:min(len(line), tailWidth)]
	if t.first == "" && (strings.Contains(line, "rror:") || strings.Contains(line, "*** ")) {
		t.first = line
	}
	t.last = append(t.last, line)
	if len(t.last) > tailLines {
		t.last = append(t.last[:0], t.last[1:]...)
	}
}

// text returns what was kept.
func (t *tail) text() string {
	lines := t.last
	if len(t.line) > 0 {
		lines = append(lines[:len(lines):len(lines)], string(t.line))
	}
	text := strings.TrimSpace(strings.Join(lines, "\n"))
	if t.first != "" && !strings.Contains(text, t.first) {
		text = t.first + "\n[...]\n" + text
	}
	return text
}
