package js

import (
	"fmt"

	"github.com/capodekappa/capo/gateware/ir"
)

// Limits of how a source may be nested. Parsers recurse, and a goroutine that runs out of stack ends the process.
const (
	maxNesting = 500    // brackets in brackets
	maxRun     = 10_000 // tokens of an expression without a comma or bracket that ends
)

// nesting refuses a source that is nested too deeply to be parsed safely. It knows strings and comments, and takes the text of a
// regular expression for tokens.
type nesting struct {
	file  string
	text  string
	line  int
	begin int   // of the line
	runs  []int // tokens since the last comma, semicolon or closed bracket, for each open bracket
	elses int
}

func checkNesting(file, text string) error {
	n := &nesting{file: file, text: text, line: 1, runs: []int{0}}
	for i := 0; i < len(text); {
		next, what := n.token(i)
		if what != "" {
			return &Problem{ir.Pos{File: file, Line: n.line, Col: i - n.begin + 1}, what, "a compiler would run out of memory", "break it into parts with names of their own"}
		}
		i = next
	}
	return nil
}

// token takes the token at i and returns where the next may begin, or what is too deep.
func (n *nesting) token(i int) (int, string) {
	switch c := n.text[i]; {
	case c == '\n':
		n.line, n.begin = n.line+1, i+1
		return i + 1, ""
	case c == ' ' || c == '\t' || c == '\r':
		return i + 1, ""
	case c == '"' || c == '\'':
		return n.after(i), n.count()
	case c == '/' && i+1 < len(n.text) && (n.text[i+1] == '/' || n.text[i+1] == '*'):
		return n.comment(i), ""
	case isWord(c):
		j := i
		for j < len(n.text) && isWord(n.text[j]) {
			j++
		}
		if n.text[i:j] == "else" {
			if n.elses++; n.elses > maxRun {
				return j, fmt.Sprintf("the source has more than %d else", maxRun)
			}
		}
		return j, n.count()
	default:
		return i + 1, n.mark(c)
	}
}

func isWord(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// after is behind the string that begins at i; it ends with its line at the latest.
func (n *nesting) after(i int) int {
	for j := i + 1; j < len(n.text); j++ {
		switch n.text[j] {
		case '\\':
			j++
		case '\n':
			return j
		case n.text[i]:
			return j + 1
		}
	}
	return len(n.text)
}

func (n *nesting) comment(i int) int {
	line := n.text[i+1] == '/'
	for j := i + 2; j < len(n.text); j++ {
		switch {
		case n.text[j] == '\n' && line:
			return j
		case n.text[j] == '\n':
			n.line, n.begin = n.line+1, j+1
		case !line && n.text[j] == '/' && n.text[j-1] == '*' && j > i+2:
			return j + 1
		}
	}
	return len(n.text)
}

// mark counts a punctuation mark.
func (n *nesting) mark(c byte) string {
	switch c {
	case '(', '[', '{':
		n.runs = append(n.runs, 0)
		if len(n.runs) > maxNesting {
			return fmt.Sprintf("brackets are nested more than %d deep", maxNesting)
		}
	case ')', ']', '}':
		if len(n.runs) > 1 {
			n.runs = n.runs[:len(n.runs)-1]
		}
		if c == '}' {
			n.runs[len(n.runs)-1] = 0
		}
	case ',', ';':
		n.runs[len(n.runs)-1] = 0
		return ""
	}
	return n.count()
}

// count counts a token.
func (n *nesting) count() string {
	last := len(n.runs) - 1
	if n.runs[last]++; n.runs[last] > maxRun {
		return fmt.Sprintf("an expression has more than %d parts", maxRun)
	}
	return ""
}
