package node

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/capodekappa/capo/node/api"
)

// Limits of what is redacted: shorter texts stand everywhere by chance.
const (
	minRedacted = 4  // bytes of a value
	minPart     = 16 // bytes of one line of a value
	minTail     = 8  // bytes that a cut text may end with
)

// redactor replaces the values of secrets by their names: as they are, as JSON, base64 (wherever in it they begin), hexadecimal and
// percent-encoded. It guards against accidents, not against a job that wants its secret to be seen.
type redactor struct {
	forms []redacted // longest first
	all   *strings.Replacer
}

// redacted is a text to replace.
type redacted struct{ text, by string }

// newRedactor makes one for values with the names of the secrets that have them.
func newRedactor(known map[string]map[string]bool) *redactor {
	by := map[string]string{}
	for value, names := range known {
		for _, form := range formsOf(value) {
			by[form] = "[secret " + strings.Join(slices.Sorted(maps.Keys(names)), ", ") + "]"
		}
	}
	r := &redactor{}
	for text, by := range by {
		r.forms = append(r.forms, redacted{text, by})
	}
	slices.SortFunc(r.forms, func(a, b redacted) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), strings.Compare(a.text, b.text))
	})
	var pairs []string
	for _, f := range r.forms {
		pairs = append(pairs, f.text, f.by)
	}
	if len(pairs) > 0 {
		r.all = strings.NewReplacer(pairs...)
	}
	return r
}

// formsOf are the texts in which a value may appear.
func formsOf(value string) []string {
	if len(value) < minRedacted {
		return nil
	}
	parts := []string{value}
	for line := range strings.Lines(value) {
		line = strings.TrimSpace(line)
		if len(line) >= minPart && !strings.HasPrefix(line, "-----") {
			parts = append(parts, line)
		}
	}
	var forms []string
	for _, p := range parts {
		forms = append(forms, p, inJSON(p), url.QueryEscape(p), url.PathEscape(p), strings.ReplaceAll(url.QueryEscape(p), "+", "%20"), hex.EncodeToString([]byte(p)))
		for lead := range 3 {
			std := base64From(p, lead)
			forms = append(forms, std, strings.NewReplacer("+", "-", "/", "_").Replace(std))
		}
	}
	return slices.DeleteFunc(forms, func(f string) bool { return len(f) < minRedacted })
}

// base64From is what stands for a text in base64 whatever comes before it, as many bytes as lead modulo 3, and after it.
func base64From(text string, lead int) string {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, lead), text...))
	return encoded[(lead*8+5)/6 : (lead+len(text))*8/6]
}

// inJSON is how a text stands in JSON.
func inJSON(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(text) != nil {
		return ""
	}
	quoted := bytes.TrimSpace(b.Bytes())
	return string(quoted[1 : len(quoted)-1])
}

// clean returns the text without the values.
func (r *redactor) clean(text string) string {
	if r.all == nil {
		return text
	}
	text = r.all.Replace(text)
	if i := strings.LastIndex(text, "…"); i >= 0 && len(text)-i < 64 {
		text = r.cleanEnd(text[:i]) + text[i:]
	}
	return text
}

// cleanEnd replaces the beginning of a value at the end of a text that was cut there.
func (r *redactor) cleanEnd(text string) string {
	for _, f := range r.forms {
		if len(f.text) <= minTail {
			continue
		}
		for end := len(text); ; {
			i := strings.LastIndex(text[:end], f.text[:minTail])
			if i < 0 || len(text)-i > len(f.text) {
				break
			}
			if strings.HasPrefix(f.text, text[i:]) {
				return text[:i] + f.by
			}
			end = i + minTail - 1
		}
	}
	return text
}

// cleanJSON cleans the texts in JSON. What is not JSON is cleaned as text, and quoted.
func (r *redactor) cleanJSON(raw json.RawMessage) json.RawMessage {
	if r.all == nil || len(raw) == 0 || r.clean(string(raw)) == string(raw) {
		return raw
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		v = string(raw)
	}
	out, err := encodeJSON(r.cleanValue(v))
	if err != nil {
		return json.RawMessage("null")
	}
	return out
}

func (r *redactor) cleanValue(v any) any {
	switch v := v.(type) {
	case string:
		return r.clean(v)
	case json.Number:
		if text := r.clean(v.String()); text != v.String() {
			return text
		}
	case []any:
		for i := range v {
			v[i] = r.cleanValue(v[i])
		}
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[r.clean(k)] = r.cleanValue(e)
		}
		return out
	}
	return v
}

// cleanResult cleans a node's answer to a run.
func (s *secrets) cleanResult(result *api.Result) {
	r := s.redact.Load()
	result.Value = r.cleanJSON(result.Value)
	if result.Error != nil {
		result.Error.Message = r.clean(result.Error.Message)
	}
}

// cleanLog is a handler that takes the values of secrets out of a node's own log.
type cleanLog struct {
	slog.Handler
	secrets *secrets
}

// Handle implements [slog.Handler].
func (h cleanLog) Handle(ctx context.Context, rec slog.Record) error {
	r := h.secrets.redact.Load()
	if r.all == nil {
		return h.Handler.Handle(ctx, rec)
	}
	out := slog.NewRecord(rec.Time, rec.Level, r.clean(rec.Message), rec.PC)
	rec.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(r.cleanAttr(a))
		return true
	})
	return h.Handler.Handle(ctx, out)
}

// WithAttrs implements [slog.Handler].
func (h cleanLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return cleanLog{h.Handler.WithAttrs(attrs), h.secrets}
}

// WithGroup implements [slog.Handler].
func (h cleanLog) WithGroup(name string) slog.Handler {
	return cleanLog{h.Handler.WithGroup(name), h.secrets}
}

func (r *redactor) cleanAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
		v = slog.StringValue(r.clean(v.String()))
	case slog.KindGroup:
		var group []slog.Attr
		for _, a := range v.Group() {
			group = append(group, r.cleanAttr(a))
		}
		v = slog.GroupValue(group...)
	case slog.KindAny:
		text := fmt.Sprint(v.Any())
		if cleaned := r.clean(text); cleaned != text {
			v = slog.StringValue(cleaned)
		}
	}
	return slog.Attr{Key: a.Key, Value: v}
}
