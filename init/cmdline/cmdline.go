// Package cmdline reads the kernel's command line: the settings of a node (capo.*) and the network configuration (ip=) in
// Linux's own syntax. It is pure: bytes in, values and complaints out.
package cmdline

import (
	"errors"
	"fmt"
	"net/url"
	"sort"
	"strconv"
	"strings"
)

// Settings are what the command line asks of a node. The zero value is what an empty command line gives.
type Settings struct {
	// Size is the number of nodes of the fleet (capo.size); 0 if not said.
	Size int
	// Expect is how many nodes to wait for before a log is formed (capo.expect); 0 if not said.
	Expect int
	// Servers is the number of log servers (capo.servers); 0 if not said.
	Servers int
	// Anchors is how many anchors must be there before anything forms (capo.anchors).
	Anchors int
	// Anchor is the label of the disk that makes this node an anchor (capo.anchor).
	Anchor string
	// Peers are addresses of nodes where multicast is blocked (capo.peers).
	Peers []string
	// NATS is the URL of an external NATS cluster (capo.nats).
	NATS string
	// Name is the node's name (capo.name).
	Name string
	// Labels are the node's labels (capo.labels).
	Labels map[string]string
	// Logs is the URL to ship logs to (capo.logs).
	Logs string
	// IP is how to configure the interfaces (ip=); the last one counts, as in Linux.
	IP IP
}

// limits of what a command line may say; it is at most 4 KiB on any architecture.
const (
	maxNodes  = 10000
	maxLabels = 64
	maxName   = 63
)

// Parse reads a command line. What it cannot understand is left at the default and is in the error, so that a node comes
// up all the same and can say what is wrong. Words of others are ignored.
func Parse(line string) (Settings, error) {
	var s Settings
	var errs []error
	for _, w := range Words(line) {
		key, value, _ := strings.Cut(w, "=")
		if err := s.set(key, value); err != nil {
			errs = append(errs, fmt.Errorf("%s=%s: %w", key, value, err))
		}
	}
	return s, errors.Join(errs...)
}

func (s *Settings) set(key, value string) (err error) {
	switch key {
	case "capo.size":
		s.Size, err = count(value, s.Size)
	case "capo.expect":
		s.Expect, err = count(value, s.Expect)
	case "capo.servers":
		s.Servers, err = count(value, s.Servers)
	case "capo.anchors":
		s.Anchors, err = count(value, s.Anchors)
	case "capo.anchor":
		s.Anchor = value
	case "capo.peers":
		s.Peers = list(value)
	case "capo.nats":
		s.NATS, err = address(value, s.NATS)
	case "capo.logs":
		s.Logs, err = address(value, s.Logs)
	case "capo.name":
		s.Name, err = name(value, s.Name)
	case "capo.labels":
		s.Labels, err = ParseLabels(value)
	case "ip":
		var ip IP
		if ip, err = ParseIP(value); err == nil {
			s.IP = ip
		}
	default:
		if strings.HasPrefix(key, "capo.") && !strings.HasPrefix(key, "capo.test") {
			err = errors.New("no such setting")
		}
	}
	return err
}

// Words splits a command line as the kernel does: at white space, except between double quotes, which are taken away.
// What follows " -- " is init's and is left out.
func Words(line string) []string {
	var words []string
	var b strings.Builder
	quoted, inside := false, false
	end := func() bool {
		if !inside {
			return true
		}
		w := b.String()
		b.Reset()
		inside = false
		if w == "--" {
			return false
		}
		words = append(words, w)
		return true
	}
	for _, c := range []byte(line) {
		switch {
		case c == '"':
			quoted, inside = !quoted, true
		case !quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0):
			if !end() {
				return words
			}
		default:
			b.WriteByte(c)
			inside = true
		}
	}
	end()
	return words
}

// Lookup returns the value of the last word key=VALUE, or of the word key alone as "".
func Lookup(line, key string) (value string, ok bool) {
	for _, w := range Words(line) {
		if k, v, _ := strings.Cut(w, "="); k == key {
			value, ok = v, true
		}
	}
	return value, ok
}

// ParseLabels reads "k=v,k=v". A word without "=" is a label with an empty value.
func ParseLabels(text string) (map[string]string, error) {
	labels := map[string]string{}
	for _, item := range list(text) {
		k, v, _ := strings.Cut(item, "=")
		if !labelText(k) || (v != "" && !labelText(v)) {
			return nil, fmt.Errorf("label %q: letters, digits, '.', '_', '-' and '/' only, and at most %d of them", item, maxName)
		}
		labels[k] = v
	}
	if len(labels) > maxLabels {
		return nil, fmt.Errorf("%d labels, and at most %d are allowed", len(labels), maxLabels)
	}
	return labels, nil
}

// FormatLabels writes what [ParseLabels] reads, sorted.
func FormatLabels(labels map[string]string) string {
	out := make([]string, 0, len(labels))
	for k, v := range labels {
		if v != "" {
			k += "=" + v
		}
		out = append(out, k)
	}
	sort.Strings(out)
	return strings.Join(out, ",")
}

func labelText(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for _, c := range []byte(s) {
		if !alphanumeric(c) && c != '.' && c != '_' && c != '-' && c != '/' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func count(text string, old int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxNodes {
		return old, fmt.Errorf("not a number from 0 to %d", maxNodes)
	}
	return n, nil
}

func list(text string) []string {
	var out []string
	for item := range strings.SplitSeq(text, ",") {
		if item != "" {
			out = append(out, item)
		}
	}
	return out
}

func address(text, old string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return old, errors.New("not a URL")
	}
	return text, nil
}

// name checks that a node's name is a DNS label, since it becomes the host name.
func name(text, old string) (string, error) {
	if !IsLabel(text) {
		return old, errors.New("not a DNS label: lower-case letters, digits and '-' only, at most 63 of them")
	}
	return text, nil
}

// IsLabel reports whether text is a lower-case DNS label (RFC 1123 section 2.1).
func IsLabel(text string) bool {
	if text == "" || len(text) > maxName || text[0] == '-' || text[len(text)-1] == '-' {
		return false
	}
	for _, c := range []byte(text) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-') {
			return false
		}
	}
	return true
}
