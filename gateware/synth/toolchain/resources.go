package toolchain

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// maxDepth bounds the depth of folders in a script of resources.
const maxDepth = 16

// resources reads the files that a script of the form
//
//	export const filesystem = { share: { "name": "text", folder: { … }, other: new URL("./x", import.meta.url) } };
//
// holds as strings, by path. What it points to by URL is left out: those are files of the package.
func resources(script string) (map[string]string, error) {
	const head = "export const filesystem ="
	i := strings.Index(script, head)
	if i < 0 {
		return nil, errors.New("read resources: there is no filesystem in the script")
	}
	s := scanner{text: script[i+len(head):], files: map[string]string{}}
	if err := s.folder("", 0); err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	return s.files, nil
}

type scanner struct {
	text  string
	at    int
	files map[string]string
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// take tells whether the next token is this one, and goes past it.
func (s *scanner) take(token string) bool {
	s.space()
	if !strings.HasPrefix(s.text[s.at:], token) {
		return false
	}
	s.at += len(token)
	return true
}

func (s *scanner) expected(what string) error {
	return fmt.Errorf("at byte %d: expected %s", s.at, what)
}

func (s *scanner) folder(dir string, depth int) error {
	if depth > maxDepth {
		return errors.New("folders are too deep")
	}
	if !s.take("{") {
		return s.expected("{")
	}
	for !s.take("}") {
		name, err := s.key()
		if err != nil {
			return err
		}
		if !s.take(":") {
			return s.expected(":")
		}
		if err := s.value(path.Join(dir, name), depth); err != nil {
			return err
		}
		if !s.take(",") {
			if s.take("}") {
				return nil
			}
			return s.expected(", or }")
		}
	}
	return nil
}

// key is a name, quoted or not, that stays inside its folder.
func (s *scanner) key() (string, error) {
	s.space()
	start := s.at
	var name string
	if strings.HasPrefix(s.text[s.at:], `"`) {
		var err error
		if name, err = s.str(); err != nil {
			return "", err
		}
	} else {
		for s.at < len(s.text) && (s.text[s.at] == '_' || s.text[s.at] >= '0' && s.text[s.at] <= '9' || s.text[s.at]|0x20 >= 'a' && s.text[s.at]|0x20 <= 'z') {
			s.at++
		}
		name = s.text[start:s.at]
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00:") {
		return "", fmt.Errorf("at byte %d: %q is no file name", start, name)
	}
	return name, nil
}

func (s *scanner) value(name string, depth int) error {
	s.space()
	switch {
	case strings.HasPrefix(s.text[s.at:], "{"):
		return s.folder(name, depth+1)
	case strings.HasPrefix(s.text[s.at:], `"`):
		text, err := s.str()
		s.files[name] = text
		return err
	case s.take("new URL("):
		end := strings.IndexByte(s.text[s.at:], ')')
		if end < 0 {
			return s.expected(")")
		}
		s.at += end + 1
		return nil
	}
	return s.expected("a text, a folder or a URL")
}

// str is a string as JSON writes it.
func (s *scanner) str() (string, error) {
	for end := s.at + 1; end < len(s.text); end++ {
		switch s.text[end] {
		case '\\':
			end++
		case '"':
			var text string
			if err := json.Unmarshal([]byte(s.text[s.at:end+1]), &text); err != nil {
				return "", fmt.Errorf("at byte %d: %w", s.at, err)
			}
			s.at = end + 1
			return text, nil
		}
	}
	return "", s.expected(`"`)
}
