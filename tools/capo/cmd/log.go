package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/node/api"
)

func (a *app) logCmd() *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use: "log", Short: "Show the control log: who said what, and whether it was believed", Example: "  capo log\n  capo log -f", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			target, err := a.dial(ctx)
			if err != nil {
				return err
			}
			if follow || a.output != "table" {
				return a.logLines(ctx, target.client, follow)
			}
			t := table{head: []string{"SEQ", "TIME", "KIND", "TARGET", "GEN", "SIGNER", "OK", "REASON"}}
			err = target.client.Lines(ctx, "/v1/log", func(line []byte) error {
				var e api.ControlEntry
				if err := json.Unmarshal(line, &e); err != nil {
					return err
				}
				t.add(fmt.Sprint(e.Seq), e.Time.Local().Format(time.DateTime), e.Kind, e.Target, fmt.Sprint(e.Generation), shortSigner(e.Signer), fmt.Sprint(e.OK), e.Reason)
				return nil
			})
			if err != nil {
				return err
			}
			return t.write(a.Out)
		},
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "wait for more")
	return c
}

// logLines prints entries as they come: as JSON lines, or a short line for a person. What ends at
// once is an array, as everywhere.
func (a *app) logLines(ctx context.Context, client *api.Client, follow bool) error {
	all := []json.RawMessage{}
	err := client.Lines(ctx, "/v1/log?follow="+fmt.Sprint(follow), func(line []byte) error {
		if !follow {
			all = append(all, json.RawMessage(strings.Clone(string(line))))
			return nil
		}
		if a.output != "table" {
			_, err := fmt.Fprintf(a.Out, "%s\n", line)
			return err
		}
		var e api.ControlEntry
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		_, err := fmt.Fprintf(a.Out, "%d %s %s %s gen=%d signer=%s ok=%v %s\n", e.Seq, e.Time.Local().Format(time.DateTime), e.Kind, e.Target, e.Generation, shortSigner(e.Signer), e.OK, e.Reason)
		return err
	})
	if follow && ctx.Err() != nil {
		return nil // the user had enough
	}
	if err != nil || follow {
		return err
	}
	return a.show(all, func(io.Writer) error { return nil })
}

func shortSigner(s string) string {
	if strings.HasPrefix(s, "node:") || len(s) <= 12 {
		return s
	}
	return s[:12] + "…"
}

type logsFlags struct {
	node, level string
	since       time.Duration
	follow      bool
}

func (a *app) logsCmd() *cobra.Command {
	f := logsFlags{}
	c := &cobra.Command{
		Use: "logs [JOB]", Short: "Show what jobs and nodes print", Example: "  capo logs edges -f\n  capo logs --level error --since 10m", Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeJobs,
		RunE: func(c *cobra.Command, args []string) error {
			job := ""
			if len(args) > 0 {
				job = args[0]
			}
			return a.logs(c.Context(), job, f)
		},
	}
	c.Flags().StringVar(&f.node, "on-node", "", "of the node with this `id` alone")
	c.Flags().StringVar(&f.level, "level", "", "of this level and above: debug, info, warn, error")
	c.Flags().DurationVar(&f.since, "since", 0, "not older than this")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "wait for more")
	return c
}

var levels = map[string]int{"debug": 0, "info": 1, "log": 1, "warn": 2, "error": 3}

func (a *app) logs(ctx context.Context, job string, f logsFlags) error {
	least, ok := levels[f.level]
	if f.level != "" && !ok {
		return usage(fmt.Errorf("--level %q: want debug, info, warn or error", f.level))
	}
	if a.node != "" && !strings.Contains(a.node, ":") { // `capo logs --node ID` picks a node's lines
		f.node, a.node = a.node, ""
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	q := url.Values{"follow": {fmt.Sprint(f.follow)}}
	if job != "" {
		q.Set("job", job)
	}
	if f.node != "" {
		q.Set("node", f.node)
	}
	if f.since > 0 {
		q.Set("since", time.Now().Add(-f.since).UTC().Format(time.RFC3339Nano))
	}
	all := []api.Line{}
	err = target.client.Lines(ctx, "/v1/logs?"+q.Encode(), func(data []byte) error {
		var l api.Line
		if err := json.Unmarshal(data, &l); err != nil {
			return err
		}
		if levels[l.Level] < least {
			return nil
		}
		if a.output != "table" && !f.follow {
			all = append(all, l)
			return nil
		}
		return a.printLine(l, data)
	})
	if f.follow && ctx.Err() != nil {
		return nil // the user had enough
	}
	if err != nil || a.output == "table" || f.follow {
		return err
	}
	return a.show(all, func(io.Writer) error { return nil })
}

func (a *app) printLine(l api.Line, data []byte) error {
	if a.output != "table" {
		_, err := fmt.Fprintf(a.Out, "%s\n", data)
		return err
	}
	job := l.Job
	if job == "" {
		job = "-"
	}
	_, err := fmt.Fprintf(a.Out, "%s %s %s %-5s %s\n", l.Time.Local().Format("15:04:05.000"), l.Node, job, l.Level, l.Message)
	return err
}

func (a *app) curlCmd() *cobra.Command {
	var method, data, kind string
	c := &cobra.Command{
		Use: "curl PATH", Short: "Send a request to the fleet, with its token", Example: "  capo curl /v1/nodes\n  capo curl /v1/streams/frames -X POST --data @frame.rgb", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.curl(c.Context(), args[0], method, data, kind)
		},
	}
	c.Flags().StringVarP(&method, "request", "X", "", "the method (default: GET, or POST with data)")
	c.Flags().StringVarP(&data, "data", "d", "", "the body; `@FILE` reads it from a file, @- from standard input")
	c.Flags().StringVar(&data, "data-binary", "", "the same as --data")
	c.Flags().StringVar(&kind, "content-type", "application/octet-stream", "of the body")
	return c
}

func (a *app) curl(ctx context.Context, path, method, data, kind string) error {
	if !strings.HasPrefix(path, "/") {
		return usage(fmt.Errorf("path %q: it begins with a slash", path))
	}
	var body io.Reader
	switch {
	case data == "@-":
		body = a.In
	case strings.HasPrefix(data, "@"):
		f, err := os.Open(data[1:])
		if err != nil {
			return err
		}
		defer f.Close()
		body = f
	case data != "":
		body = strings.NewReader(data)
	}
	if body == nil {
		kind = ""
	}
	if method == "" {
		method = http.MethodGet
		if body != nil {
			method = http.MethodPost
		}
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	resp, err := target.client.Do(ctx, method, path, kind, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(a.Out, resp.Body)
	return err
}
