package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// fleet is a running fleet, by the command.
type fleet struct{ capo string }

func (f fleet) output(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, f.capo, args...)
	cmd.Stdin, cmd.Stderr = stdin, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("capo %s: %w", args[0], err)
	}
	return out, nil
}

func (f fleet) deploy(ctx context.Context, file string, w io.Writer) error {
	out, err := f.output(ctx, nil, "deploy", file)
	if err == nil {
		_, err = w.Write(out)
	}
	return err
}

// next is the sequence that the next record of a stream will have.
func (f fleet) next(ctx context.Context, stream string) (uint64, error) {
	out, err := f.output(ctx, nil, "stream", stream, "-o", "json")
	if err != nil {
		return 0, err
	}
	var info struct {
		LastSeq uint64 `json:"last_seq"`
	}
	if err := json.Unmarshal(out, &info); err != nil {
		return 0, fmt.Errorf("stream %s: %w", stream, err)
	}
	return info.LastSeq + 1, nil
}

// append puts tiles into a stream, their places in the headers.
func (f fleet) append(ctx context.Context, stream string, tiles []tile) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	for _, t := range tiles {
		rec := map[string]any{"key": t.key(), "data_b64": t.rgb, "headers": map[string]string{"x": strconv.Itoa(t.x), "y": strconv.Itoa(t.y),
			"width": strconv.Itoa(t.width), "height": strconv.Itoa(t.height)}}
		if err := enc.Encode(rec); err != nil {
			return err
		}
	}
	_, err := f.output(ctx, &body, "curl", "/v1/streams/"+stream, "--data", "@-", "--content-type", "application/x-ndjson")
	return err
}

func (t tile) key() string { return fmt.Sprintf("%d,%d", t.x, t.y) }

// collect follows the stream of finished tiles until each has come back.
func (f fleet) collect(ctx context.Context, stream string, from uint64, sent []tile) ([]tile, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, f.capo, "get", stream, "--from", strconv.FormatUint(from, 10), "--follow")
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	defer func() { cancel(); _ = cmd.Wait() }() // it follows for ever
	waiting := map[string]bool{}
	for _, t := range sent {
		waiting[t.key()] = true
	}
	var done []tile
	scan := bufio.NewScanner(pipe)
	scan.Buffer(nil, 16<<20)
	for len(waiting) > 0 && scan.Scan() {
		key, t, err := finished(scan.Bytes())
		if err != nil {
			return nil, err
		}
		if waiting[key] { // a tile may come twice: delivery is at least once
			delete(waiting, key)
			done = append(done, t)
		}
	}
	if len(waiting) > 0 {
		return nil, errors.Join(fmt.Errorf("%d of %d tiles did not come back", len(waiting), len(sent)), scan.Err(), ctx.Err())
	}
	return done, nil
}

// finished reads a tile that came back.
func finished(line []byte) (string, tile, error) {
	var r struct {
		Key     string
		Headers map[string]string
		Data    *string
		DataB64 []byte `json:"data_b64"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return "", tile{}, err
	}
	t := tile{rgb: r.DataB64, node: r.Headers["capo-node"]}
	if r.Data != nil { // bytes that happen to be text
		t.rgb = []byte(*r.Data)
	}
	for name, field := range map[string]*int{"x": &t.x, "y": &t.y, "width": &t.width, "height": &t.height, "took": &t.tookMS} {
		n, err := strconv.Atoi(r.Headers[name])
		if err != nil {
			return "", t, fmt.Errorf("tile %s: header %s: %w", r.Key, name, err)
		}
		*field = n
	}
	if len(t.rgb) != 3*t.width*t.height {
		return "", t, fmt.Errorf("tile %s has %d bytes, want %d", r.Key, len(t.rgb), 3*t.width*t.height)
	}
	return r.Key, t, nil
}

// report says which node did how many tiles, in what time.
func report(w io.Writer, done []tile, took time.Duration) {
	count, ms := map[string]int{}, map[string]int{}
	var nodes []string
	for _, t := range done {
		if count[t.node] == 0 {
			nodes = append(nodes, t.node)
		}
		count[t.node]++
		ms[t.node] += t.tookMS
	}
	slices.Sort(nodes)
	fmt.Fprintln(w)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "node\ttiles\tcomputing\ta tile\t")
	for _, n := range nodes {
		fmt.Fprintf(tw, "%s\t%d\t%.1f s\t%d ms\t\n", n, count[n], float64(ms[n])/1000, ms[n]/count[n])
	}
	fmt.Fprintf(tw, "all\t%d\t%.1f s from the first append to the last tile\t\t\n", len(done), took.Seconds())
	tw.Flush()
}
