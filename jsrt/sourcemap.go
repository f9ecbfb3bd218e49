package jsrt

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sourcemap/sourcemap"
)

// position finds the bundle's positions in a stack or any other text.
var position = regexp.MustCompile(regexp.QuoteMeta(scriptName) + `:(\d+):(\d+)(\(\d+\))?`)

// moduleScheme begins the names of built-in modules, whose source is not the user's.
const moduleScheme = "capo:"

// original maps a position in the bundle (both from 1) to the user's file. The map is parsed here
// and not kept: errors are rare, and a parsed map is ten times its size.
func (p *Program) original(line, column int) (string, int, int) {
	m := p.consumer()
	return p.lookup(m, line, column)
}

func (p *Program) consumer() *sourcemap.Consumer {
	if len(p.Map) == 0 {
		return nil
	}
	m, err := sourcemap.Parse("", p.Map)
	if err != nil {
		return nil
	}
	return m
}

func (p *Program) lookup(m *sourcemap.Consumer, line, column int) (string, int, int) {
	if m == nil {
		return p.File, line, column
	}
	file, _, l, c, ok := m.Source(line, column-1)
	if !ok || file == "" {
		return p.File, 0, 0
	}
	return file, l, c + 1
}

// translate replaces every position in the bundle that a text holds.
func (p *Program) translate(text string) string {
	if !strings.Contains(text, scriptName) {
		return text
	}
	m := p.consumer()
	return position.ReplaceAllStringFunc(text, func(s string) string {
		file, line, column := p.lookupMatch(m, position.FindStringSubmatch(s))
		if line == 0 {
			return file
		}
		return file + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column)
	})
}

func (p *Program) lookupMatch(m *sourcemap.Consumer, match []string) (string, int, int) {
	line, _ := strconv.Atoi(match[1])
	column, _ := strconv.Atoi(match[2])
	return p.lookup(m, line, column)
}

// fromStack reads a stack as the VM writes it: the position of its innermost frame that is in a
// user's file, and the translated frames.
func (p *Program) fromStack(stack string) Error {
	if !strings.Contains(stack, scriptName) {
		return Error{}
	}
	m := p.consumer()
	var e Error
	var lines []string
	for _, frame := range strings.Split(stack, "\n") {
		match := position.FindStringSubmatch(frame)
		if match == nil || !strings.HasPrefix(frame, "\tat ") {
			continue
		}
		file, line, column := p.lookupMatch(m, match)
		if line == 0 || strings.HasPrefix(file, moduleScheme) {
			continue
		}
		if e.Line == 0 {
			e.File, e.Line, e.Column = file, line, column
		}
		at := file + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column)
		lines = append(lines, strings.Replace(frame, match[0], at, 1))
		if len(lines) == maxStack {
			break
		}
	}
	e.Stack = strings.Join(lines, "\n")
	return e
}
