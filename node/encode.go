package node

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
)

// encodeJSON encodes without HTML escapes and without the newline.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decodeJSON(data []byte, into any) error { return json.Unmarshal(data, into) }

// oneLine makes text fit for a header.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	if len(s) > 1024 {
		s = strings.ToValidUTF8(s[:1024], "")
	}
	return s
}

// recordRow gives a record as a line of `capo get`: text where it is UTF-8, else base64.
func recordRow(r queue.Record) api.Record {
	row := api.Record{Seq: r.Seq, Time: r.Time.UTC(), Key: r.Key, Headers: r.Headers}
	if r.Type != "" {
		row.Headers = map[string]string{contentType: r.Type}
		for k, v := range r.Headers {
			row.Headers[k] = v
		}
	}
	if utf8.Valid(r.Body) {
		text := string(r.Body)
		row.Data = &text
	} else {
		text := base64Text(r.Body)
		row.DataB64 = &text
	}
	return row
}
