package api

import (
	"encoding/base64"
	"maps"
	"strings"
)

// Labels gives what selectors see of a node: its own labels and the built-in ones.
func Labels(n Node) map[string]string {
	labels := maps.Clone(n.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for k, v := range map[string]string{"id": n.ID, "name": n.Name, "board": n.Board, "arch": n.Arch, "log": n.Log} {
		labels[k] = v
	}
	var parts []string
	for _, f := range n.FPGAs {
		parts = append(parts, f.Part)
	}
	if len(parts) > 0 {
		labels["part"] = strings.Join(parts, "+")
	}
	return labels
}

// Body is a record's bytes.
func (r Record) Body() ([]byte, error) {
	switch {
	case r.Data != nil:
		return []byte(*r.Data), nil
	case r.DataB64 != nil:
		return base64.StdEncoding.DecodeString(*r.DataB64)
	}
	return nil, nil
}

// Stream is a row of `capo streams`.
type Stream struct {
	Name       string `json:"name"`
	Messages   uint64 `json:"messages"`
	Bytes      uint64 `json:"bytes"`
	MaxBytes   int64  `json:"max_bytes"`
	FirstSeq   uint64 `json:"first_seq"`
	LastSeq    uint64 `json:"last_seq"`
	Replicas   int    `json:"replicas"`
	Storage    string `json:"storage"`
	Partitions int    `json:"partitions"`
}
