package cmd

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

func streamList(ctx context.Context, client *api.Client) ([]api.Stream, error) {
	var rows []api.Stream
	resp, err := client.Do(ctx, http.MethodGet, "/v1/streams", "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return rows, json.NewDecoder(resp.Body).Decode(&rows)
}

func (a *app) streamsCmd() *cobra.Command {
	var watch bool
	c := &cobra.Command{
		Use: "streams", Short: "List the streams", Example: "  capo streams", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			target, err := a.dial(c.Context())
			if err != nil {
				return err
			}
			return a.watching(c.Context(), watch, func() error {
				rows, err := streamList(c.Context(), target.client)
				if err != nil {
					return err
				}
				return a.show(rows, func(w io.Writer) error { return streamTable(rows).write(w) })
			})
		},
	}
	c.Flags().BoolVarP(&watch, "watch", "w", false, "show again every second")
	return c
}

func streamTable(rows []api.Stream) *table {
	t := &table{head: []string{"NAME", "MESSAGES", "BYTES", "MAX", "FIRST", "LAST", "REPLICAS", "STORAGE", "PARTITIONS"}}
	for _, s := range rows {
		t.add(s.Name, fmt.Sprint(s.Messages), humanBytes(int64(s.Bytes)), humanBytes(s.MaxBytes), fmt.Sprint(s.FirstSeq), fmt.Sprint(s.LastSeq),
			fmt.Sprint(s.Replicas), s.Storage, fmt.Sprint(s.Partitions))
	}
	return t
}

func (a *app) streamCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "stream NAME", Short: "Describe a stream, or set what it keeps", Example: "  capo stream frames\n  capo stream set frames --max 64M --keep 1h",
		Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeStreams,
		RunE: func(c *cobra.Command, args []string) error {
			target, err := a.dial(c.Context())
			if err != nil {
				return err
			}
			row, err := findStream(c.Context(), target.client, args[0])
			if err != nil {
				return err
			}
			return a.show(row, func(w io.Writer) error { return streamTable([]api.Stream{row}).write(w) })
		},
	}
	c.AddCommand(a.streamSetCmd())
	return c
}

var errNoStream = errors.New("capo streams lists them")

func findStream(ctx context.Context, client *api.Client, name string) (api.Stream, error) {
	rows, err := streamList(ctx, client)
	if err != nil {
		return api.Stream{}, err
	}
	for _, s := range rows {
		if s.Name == name {
			return s, nil
		}
	}
	return api.Stream{}, fmt.Errorf("there is no stream %s; %w", name, errNoStream)
}

func (a *app) streamSetCmd() *cobra.Command {
	var maxSize string
	var set api.StreamSet
	var keep time.Duration
	c := &cobra.Command{
		Use: "set NAME", Short: "Make a stream, or change what it keeps", Example: "  capo stream set frames --max 64M --keep 1h", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeStreams,
		RunE: func(c *cobra.Command, args []string) error {
			if maxSize != "" {
				n, err := parseSize(maxSize)
				if err != nil {
					return usage(err)
				}
				set.MaxBytes = n
			}
			set.KeepMS = keep.Milliseconds()
			return a.streamSet(c.Context(), args[0], set)
		},
	}
	c.Flags().StringVar(&maxSize, "max", "", "the most that it holds, such as 64M")
	c.Flags().DurationVar(&keep, "keep", 0, "how long a record is kept")
	c.Flags().IntVar(&set.Partitions, "partitions", 0, "the number of partitions, only when it is made")
	c.Flags().IntVar(&set.Replicas, "replicas", 0, "how many servers carry it: 1 or 3")
	c.Flags().BoolVar(&set.Compact, "compact", false, "keep only the newest record of each key")
	return c
}

func (a *app) streamSet(ctx context.Context, name string, set api.StreamSet) error {
	if err := control.ValidStream(name); err != nil {
		return usage(err)
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	old, err := findStream(ctx, target.client, name)
	switch {
	case err == nil && set.Partitions != 0 && set.Partitions != old.Partitions:
		return usage(fmt.Errorf("stream %s has %d partitions, and their number is fixed when it is made", name, old.Partitions))
	case err != nil && !errors.Is(err, errNoStream):
		return err
	}
	rec, err := target.say(ctx, control.KindStream, name, set)
	if err != nil {
		return fmt.Errorf("stream set %s: %w", name, err)
	}
	row, err := awaitStream(ctx, target.client, name, set, rec.Seq)
	if err != nil {
		return err
	}
	return a.show(row, func(w io.Writer) error { return streamTable([]api.Stream{row}).write(w) })
}

// awaitStream waits until a stream has its new settings.
func awaitStream(ctx context.Context, client *api.Client, name string, set api.StreamSet, seq uint64) (api.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		row, err := findStream(ctx, client, name)
		if err == nil && (set.MaxBytes == 0 || row.MaxBytes == set.MaxBytes) && (set.Replicas == 0 || row.Replicas == set.Replicas) {
			return row, nil
		}
		select {
		case <-ctx.Done():
			return row, fmt.Errorf("stream %s did not take its settings (record %d); capo logs says why: %w", name, seq, context.Cause(ctx))
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// parseSize reads 64M, 512K, 1G or a number of bytes.
func parseSize(text string) (int64, error) {
	unit := int64(1)
	switch {
	case strings.HasSuffix(text, "K"):
		unit = 1 << 10
	case strings.HasSuffix(text, "M"):
		unit = 1 << 20
	case strings.HasSuffix(text, "G"):
		unit = 1 << 30
	}
	n, err := strconv.ParseInt(strings.TrimRight(text, "KMG"), 10, 64)
	if err != nil || n <= 0 || n > 1<<50/unit {
		return 0, fmt.Errorf("size %q: want a number of bytes, or one with K, M or G", text)
	}
	return n * unit, nil
}

func (a *app) getCmd() *cobra.Command {
	f := getFlags{}
	c := &cobra.Command{
		Use: "get STREAM", Short: "Read a stream", Example: "  capo get frames --from 17 -n 1 --raw > frame.rgb\n  capo get edges -f --json", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeStreams,
		RunE: func(c *cobra.Command, args []string) error { return a.get(c.Context(), args[0], f) },
	}
	c.Flags().StringVar(&f.from, "from", "", "begin at a `sequence`, an RFC 3339 time, or now")
	c.Flags().IntVarP(&f.count, "count", "n", 0, "read so many records (default: all)")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "wait for more at the end")
	c.Flags().BoolVar(&f.raw, "raw", false, "write the bodies alone, one after the other")
	c.Flags().StringVar(&f.dir, "dir", "", "write each body to a file of this folder")
	c.Flags().BoolVar(&f.json, "json", false, "parse bodies that are JSON")
	c.MarkFlagsMutuallyExclusive("raw", "dir", "json")
	return c
}

type getFlags struct {
	from, dir         string
	count             int
	follow, raw, json bool
}

func (a *app) get(ctx context.Context, stream string, f getFlags) error {
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if f.from != "" {
		q.Set("from", f.from)
	}
	if f.count > 0 {
		q.Set("n", strconv.Itoa(f.count))
	}
	if f.follow {
		q.Set("follow", "true")
	}
	if f.dir != "" {
		if err := os.MkdirAll(f.dir, 0o777); err != nil {
			return err
		}
	}
	err = target.client.Lines(ctx, "/v1/streams/"+url.PathEscape(stream)+"?"+q.Encode(), func(line []byte) error { return a.writeRecord(line, f) })
	if api.IsStatus(err, http.StatusNotFound) {
		return fmt.Errorf("there is no stream %s; capo streams lists them", stream)
	}
	if f.follow && ctx.Err() != nil {
		return nil // the user had enough
	}
	return err
}

func (a *app) writeRecord(line []byte, f getFlags) error {
	if !f.raw && f.dir == "" && !f.json {
		_, err := fmt.Fprintf(a.Out, "%s\n", line)
		return err
	}
	var r api.Record
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	body, err := r.Body()
	if err != nil {
		return err
	}
	switch {
	case f.raw:
		_, err = a.Out.Write(body)
	case f.dir != "":
		err = os.WriteFile(filepath.Join(f.dir, strconv.FormatUint(r.Seq, 10)), body, 0o666)
	default:
		err = a.writeParsed(r, body)
	}
	return err
}

func (a *app) writeParsed(r api.Record, body []byte) error {
	if !json.Valid(body) {
		body, _ = json.Marshal(base64.StdEncoding.EncodeToString(body))
	}
	row := map[string]any{"seq": r.Seq, "time": r.Time, "key": r.Key, "headers": r.Headers, "data": json.RawMessage(body)}
	data, err := json.Marshal(row)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.Out, "%s\n", data)
	return err
}
