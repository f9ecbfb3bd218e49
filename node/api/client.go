package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
)

// Client speaks to one node.
type Client struct {
	Base  string // such as https://127.77.0.1:8470
	Token string // a bearer token, where HTTP shows no certificate
	HTTP  *http.Client
}

// ErrUnreachable: no node answered.
var ErrUnreachable = errors.New("node is not reachable")

// StatusError is an answer that is not a success.
type StatusError struct {
	Problem Problem
	Path    string
}

// Error says what the node answered.
func (e *StatusError) Error() string {
	if e.Problem.Detail != "" {
		return e.Problem.Detail
	}
	return fmt.Sprintf("%s: %d %s", e.Path, e.Problem.Status, e.Problem.Title)
}

// New gives a client for a node at host:port, which speaks as whom the TLS settings say, see trust.Authority.Client.
func New(address string, settings *tls.Config) *Client {
	return &Client{Base: "https://" + address, HTTP: Transport(settings, netip.Addr{})}
}

// Transport is what carries requests to nodes, from the address local if it is one.
func Transport(settings *tls.Config, local netip.Addr) *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	if local.IsValid() {
		dialer.LocalAddr = &net.TCPAddr{IP: local.AsSlice(), Zone: local.Zone()}
	}
	return &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: settings, TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}}
}

// maxAnswer bounds an answer that is read whole, in bytes.
const maxAnswer = 256 << 20

// Do sends a request and hands back its answer when it is a success; the caller closes the body.
func (c *Client) Do(ctx context.Context, method, path string, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Base+path, body)
	if err != nil {
		return nil, err
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	req.Header.Set("Capo-Time", strconv.FormatInt(time.Now().UnixMilli(), 10)) // believed of operators
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if trust.Reason(err) != "other" {
			return nil, fmt.Errorf("node at %s: %w", c.Host(), err)
		}
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	e := &StatusError{Path: method + " " + path, Problem: Problem{Status: resp.StatusCode, Title: http.StatusText(resp.StatusCode)}}
	if data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10)); err == nil {
		_ = json.Unmarshal(data, &e.Problem) // an answer in another form keeps the status alone
	}
	return nil, e
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	resp, err := c.Do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	return nil
}

// Nodes lists the fleet's nodes.
func (c *Client) Nodes(ctx context.Context) (rows []Node, err error) {
	return rows, c.get(ctx, "/v1/nodes", &rows)
}

// Jobs lists what should run.
func (c *Client) Jobs(ctx context.Context) (rows []Job, err error) {
	return rows, c.get(ctx, "/v1/jobs", &rows)
}

// Job describes one job.
func (c *Client) Job(ctx context.Context, name string) (row Job, err error) {
	return row, c.get(ctx, "/v1/jobs/"+url.PathEscape(name), &row)
}

// WaitJob describes a job once its generation has settled on every node that it belongs to
// (running, parked or stopped), or when wait is over.
func (c *Client) WaitJob(ctx context.Context, name string, generation uint64, wait time.Duration) (row Job, err error) {
	q := url.Values{"generation": {strconv.FormatUint(generation, 10)}, "wait_ms": {strconv.FormatInt(wait.Milliseconds(), 10)}}
	return row, c.get(ctx, "/v1/jobs/"+url.PathEscape(name)+"?"+q.Encode(), &row)
}

// Generation is the newest generation of a target in the control log (0: none), with the log's
// incarnation, which a record about it must name.
func (c *Client) Generation(ctx context.Context, class, target string) (Standing, error) {
	var s Standing
	return s, c.get(ctx, "/v1/log/standing?"+url.Values{"class": {class}, "target": {target}}.Encode(), &s)
}

// Standing is where a target of the control log stands.
type Standing struct {
	Log        string `json:"log"`
	Generation uint64 `json:"generation"`
	// Revoked is all that counts no more, for an operator to compare.
	Revoked []string `json:"revoked"`
}

// PutBlob uploads bytes under their digest.
func (c *Client) PutBlob(ctx context.Context, digest string, data []byte) error {
	resp, err := c.Do(ctx, http.MethodPut, "/v1/blobs/"+digest, "application/octet-stream", bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("upload blob %.12s…: %w", digest, err)
	}
	return resp.Body.Close()
}

// AppendControl appends an encoded control record.
func (c *Client) AppendControl(ctx context.Context, record []byte) (Appended, error) {
	var a Appended
	resp, err := c.Do(ctx, http.MethodPost, "/v1/log", "application/json", bytes.NewReader(record))
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	return a, json.NewDecoder(resp.Body).Decode(&a)
}

// PostJSON posts a body and reads the answer.
func (c *Client) PostJSON(ctx context.Context, path string, body []byte, into any) error {
	resp, err := c.Do(ctx, http.MethodPost, path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into)
}

// Send sends a body and wants no answer but success.
func (c *Client) Send(ctx context.Context, method, path string, body []byte) error {
	resp, err := c.Do(ctx, method, path, "application/octet-stream", bytes.NewReader(body))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	return errors.Join(err, resp.Body.Close())
}

// ErrStop ends a [Client.Lines] early and without an error.
var ErrStop = errors.New("stop")

// Lines reads NDJSON from path and calls fn with each line.
func (c *Client) Lines(ctx context.Context, path string, fn func(line []byte) error) error {
	resp, err := c.Do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(make([]byte, 64<<10), 128<<20)
	for scan.Scan() {
		if len(scan.Bytes()) == 0 {
			continue
		}
		if err := fn(scan.Bytes()); err != nil {
			if errors.Is(err, ErrStop) {
				return nil
			}
			return err
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return scan.Err()
}

// Results calls fn with each node's answer to a run until fn returns [ErrStop].
func (c *Client) Results(ctx context.Context, seq uint64, fn func(Result) error) error {
	return c.Lines(ctx, fmt.Sprintf("/v1/results/%d?follow=true", seq), func(line []byte) error {
		var r Result
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("result of run %d: %w", seq, err)
		}
		return fn(r)
	})
}

// Put appends records to a stream, which is made if it is new.
func (c *Client) Put(ctx context.Context, stream string, records []PutRecord) (Put, error) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	for _, r := range records {
		if err := enc.Encode(r); err != nil {
			return Put{}, err
		}
	}
	return c.put(ctx, "/v1/streams/"+url.PathEscape(stream), "application/x-ndjson", &body)
}

// PutBody appends one record with the bytes of body.
func (c *Client) PutBody(ctx context.Context, stream, key, contentType string, body io.Reader) (Put, error) {
	path := "/v1/streams/" + url.PathEscape(stream)
	if key != "" {
		path += "?" + url.Values{"key": {key}}.Encode()
	}
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return c.put(ctx, path, contentType, body)
}

func (c *Client) put(ctx context.Context, path, contentType string, body io.Reader) (Put, error) {
	var p Put
	resp, err := c.Do(ctx, http.MethodPost, path, contentType, body)
	if err != nil {
		return p, err
	}
	defer resp.Body.Close()
	return p, json.NewDecoder(resp.Body).Decode(&p)
}

// IsStatus tells whether err is an answer with this HTTP status.
func IsStatus(err error, status int) bool {
	var s *StatusError
	return errors.As(err, &s) && s.Problem.Status == status
}

// Host is the host:port that the client speaks to.
func (c *Client) Host() string { return strings.TrimPrefix(c.Base, "https://") }
