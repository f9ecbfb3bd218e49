package api

import (
	"context"
	"net/url"
	"time"
)

// SecretSet is the body of a secret's control record: what package seal makes of a value, or that there is none any more.
type SecretSet struct {
	Sealed string       `json:"sealed,omitempty"` // the value, sealed to the record's key, base64
	Copies []SecretCopy `json:"copies,omitempty"` // of the record's private key
	Remove bool         `json:"remove,omitempty"`
}

// SecretCopy is a copy of a record's key, sealed to one run of a node.
type SecretCopy struct {
	Node   string `json:"node"`
	Boot   string `json:"boot"`
	Sealed string `json:"sealed"` // base64
}

// Secret is a row of `capo secret ls`: one that was put, or one that a job waits for.
type Secret struct {
	Name       string    `json:"name"`
	Generation uint64    `json:"generation"` // the newest of its records; 0: none
	Put        bool      `json:"put"`        // there is a value
	Time       time.Time `json:"time,omitzero"`
	Signer     string    `json:"signer,omitempty"` // whose record it is, see ControlEntry
	Sealed     []string  `json:"sealed"`           // the nodes that it was sealed to
	Jobs       []string  `json:"jobs"`             // that bind it
	Nodes      []string  `json:"nodes"`            // that these jobs are placed on
}

// SecretKey is what a log server answers to a node that may have a secret: the key of its record.
type SecretKey struct {
	Generation uint64 `json:"generation"`
	Key        []byte `json:"key"`
}

// SealKey is the key that secrets are sealed to for one run of a node, as the node says it (seal.SignKey).
type SealKey struct {
	Node  string   `json:"node"`
	Boot  string   `json:"boot"`
	Key   []byte   `json:"key"`
	Sig   []byte   `json:"sig"`
	Chain [][]byte `json:"chain"`
}

// SealKeys lists the keys that secrets are sealed to. Verify them.
func (c *Client) SealKeys(ctx context.Context) (keys []SealKey, err error) {
	return keys, c.get(ctx, "/v1/secrets/keys", &keys)
}

// Secrets lists the secrets that were put, and those that a job waits for. Values are nowhere.
func (c *Client) Secrets(ctx context.Context) (rows []Secret, err error) {
	return rows, c.get(ctx, "/v1/secrets", &rows)
}

// SecretKey asks a log server, as a node, for the key of a secret's record: for a job that binds it, for a run at a sequence of the control
// log, or, with neither, as another log server.
func (c *Client) SecretKey(ctx context.Context, log, name, job string, run string) (k SecretKey, err error) {
	path := "/v1/core/" + url.PathEscape(log) + "/secrets/" + url.PathEscape(name) + "?" + url.Values{"job": {job}, "run": {run}}.Encode()
	return k, c.get(ctx, path, &k)
}
