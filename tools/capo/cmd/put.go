package cmd

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
	"github.com/capodekappa/capo/tools/capo/split"
)

type putFlags struct{ split, key, keyFrom string }

func (a *app) putCmd() *cobra.Command {
	f := putFlags{}
	c := &cobra.Command{
		Use:     "put STREAM [FILE…]",
		Short:   "Append to a stream",
		Long:    "Append to a stream, which is made if it is new. A file is one record unless it is split; standard input, when no\nfile is named, streams until it ends.",
		Example: "  capo put frames frame1.jpg frame2.jpg\n  seq 100 | capo put numbers --split lines\n  capo put bids bids.ndjson --split lines --key-from .auction.id",
		Args:    cobra.MinimumNArgs(1), ValidArgsFunction: a.completeStreams,
		RunE: func(c *cobra.Command, args []string) error { return a.put(c.Context(), args[0], args[1:], f) },
	}
	c.Flags().StringVar(&f.split, "split", "", "cut into records: lines, y4m, mjpeg, or a number of `bytes`")
	c.Flags().StringVar(&f.key, "key", "", "the key of every record")
	c.Flags().StringVar(&f.keyFrom, "key-from", "", "take the key from the record's JSON, such as .a.b")
	c.MarkFlagsMutuallyExclusive("key", "key-from")
	return c
}

func (a *app) put(ctx context.Context, stream string, files []string, f putFlags) error {
	if err := control.ValidStream(stream); err != nil {
		return usage(err)
	}
	if f.keyFrom != "" && !strings.HasPrefix(f.keyFrom, ".") {
		return usage(fmt.Errorf("--key-from %q: want a path such as .a.b", f.keyFrom))
	}
	scanner, err := split.By(f.split)
	if err != nil {
		return usage(err)
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	p := &putter{client: target.client, stream: stream, flags: f, sum: api.Put{Stream: stream}}
	if len(files) == 0 {
		err = p.stdin(ctx, a.In, scanner)
	}
	for _, name := range files {
		if err = p.file(ctx, name, scanner); err != nil {
			break
		}
	}
	if err == nil {
		err = p.flush(ctx)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w (%d records were appended)", stream, err, p.sum.Count)
	}
	return a.show(p.sum, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d records to %s, %d to %d\n", p.sum.Count, stream, p.sum.FirstSeq, p.sum.LastSeq)
		return err
	})
}

// putter gathers records and appends them in groups.
type putter struct {
	client *api.Client
	stream string
	flags  putFlags
	group  []api.PutRecord
	bytes  int
	sum    api.Put
}

func (p *putter) file(ctx context.Context, name string, scanner split.Func) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return p.records(ctx, f, scanner)
}

func (p *putter) records(ctx context.Context, r io.Reader, scanner split.Func) error {
	return scanner(r, func(record []byte) error { return p.add(ctx, record) })
}

// stdin appends what there is at least every 100 ms, so that a live source is not held back.
func (p *putter) stdin(ctx context.Context, r io.Reader, scanner split.Func) error {
	records, failed := make(chan []byte), make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		failed <- scanner(bufio.NewReaderSize(r, 1<<20), func(b []byte) error {
			select {
			case records <- bytes.Clone(b):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case b := <-records:
			if err := p.add(ctx, b); err != nil {
				return err
			}
		case <-tick.C:
			if err := p.flush(ctx); err != nil {
				return err
			}
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// groupBytes and groupRecords bound what one request carries.
const (
	groupBytes   = 4 << 20
	groupRecords = 1000
)

func (p *putter) add(ctx context.Context, body []byte) error {
	key := p.flags.key
	if p.flags.keyFrom != "" {
		var err error
		if key, err = keyFrom(body, p.flags.keyFrom); err != nil {
			return fmt.Errorf("record %d: %w", p.sum.Count+len(p.group)+1, err)
		}
	}
	if len(body) > groupBytes/2 { // alone, and not as text in a line
		if err := p.flush(ctx); err != nil {
			return err
		}
		put, err := p.client.PutBody(ctx, p.stream, key, "", bytes.NewReader(body))
		p.count(put)
		return err
	}
	p.group = append(p.group, api.PutRecord{Key: key, Type: typeOf(p.flags, body), DataB64: bytes.Clone(body)})
	if p.bytes += len(body); p.bytes >= groupBytes || len(p.group) >= groupRecords {
		return p.flush(ctx)
	}
	return nil
}

// typeOf is the content type of a record that was chosen for being JSON.
func typeOf(f putFlags, body []byte) string {
	if f.keyFrom != "" && json.Valid(body) {
		return "application/json"
	}
	return ""
}

func (p *putter) flush(ctx context.Context) error {
	if len(p.group) == 0 {
		return nil
	}
	put, err := p.client.Put(ctx, p.stream, p.group)
	p.count(put)
	p.group, p.bytes = p.group[:0], 0
	return err
}

func (p *putter) count(put api.Put) {
	if put.Count == 0 {
		return
	}
	if p.sum.Count == 0 {
		p.sum.FirstSeq = put.FirstSeq
	}
	p.sum.LastSeq = put.LastSeq
	p.sum.Count += put.Count
}

// keyFrom reads the value at a path such as .a.b of a JSON object.
func keyFrom(body []byte, path string) (string, error) {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return "", fmt.Errorf("--key-from %s: it is not JSON: %w", path, err)
	}
	for name := range strings.SplitSeq(path[1:], ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return "", fmt.Errorf("--key-from %s: there is no %q", path, name)
		}
		if v, ok = m[name]; !ok {
			return "", fmt.Errorf("--key-from %s: there is no %q", path, name)
		}
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", errors.New("--key-from " + path + ": it is neither text nor a number")
}
