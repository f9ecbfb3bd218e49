package cmd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/gateware/js"
	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/jsrt/bundle"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/node/selector"
	"github.com/capodekappa/capo/queue/control"
)

// deployed is what a deploy prints.
type deployed struct {
	Job        string   `json:"job"`
	Version    string   `json:"version"`
	Generation uint64   `json:"generation"`
	Nodes      []string `json:"nodes"`
	URLs       []string `json:"urls"`
	TookMS     int64    `json:"took_ms"`
}

func (a *app) deployCmd() *cobra.Command {
	var on string
	var wait time.Duration
	c := &cobra.Command{
		Use:   "deploy FILE",
		Short: "Run a job on the fleet, or a new version of it",
		Long: "Bundle a job (TypeScript, ES modules, npm packages), sign it, append it to the log, and wait until it runs\n" +
			"everywhere it belongs.",
		Example: "  capo deploy app.ts\n  capo deploy app.ts --on 'site=lab,arch in (arm,arm64)'",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.deploy(c.Context(), args[0], on, wait)
		},
	}
	c.Flags().StringVar(&on, "on", "", "a `selector` of nodes, beside the job's own")
	c.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait until it runs")
	return c
}

// built is a job ready to be signed.
type built struct {
	manifest api.Manifest
	parts    map[string][]byte // by digest
}

func pack(b *bundle.Bundle, settings job.Job, on string) built {
	js, sourceMap := control.Digest(b.JS), control.Digest(b.Map)
	return built{
		manifest: api.Manifest{Name: settings.Name, File: b.File, JS: api.Part{Digest: js, Bytes: int64(len(b.JS))},
			Map: api.Part{Digest: sourceMap, Bytes: int64(len(b.Map))}, Handlers: settings.Handlers, Settings: settings, On: on},
		parts: map[string][]byte{js: b.JS, sourceMap: b.Map},
	}
}

// buildJob bundles a file and reads its settings.
func (a *app) buildJob(ctx context.Context, file, on string) (built, error) {
	if _, err := selector.Parse(on); err != nil {
		return built{}, usage(err)
	}
	b, err := bundle.Build(file)
	if err != nil {
		return built{}, err
	}
	settings, err := bundle.Describe(ctx, b, "")
	if err != nil {
		return built{}, fmt.Errorf("%s: %w", file, err)
	}
	kernels, err := bundle.JobKernels(ctx, b, settings, "")
	if err != nil {
		return built{}, fmt.Errorf("%s: %w", file, err)
	}
	out := pack(b, settings, on)
	return out, out.addKernels(kernels)
}

// addKernels has a job carry its kernels.
func (b *built) addKernels(kernels []*js.Kernel) error {
	for _, k := range kernels {
		text := soft.Text(k.IR)
		part := api.Part{Digest: control.Digest(text), Bytes: int64(len(text))}
		b.parts[part.Digest] = text
		b.manifest.Kernels = append(b.manifest.Kernels, api.Kernel{Name: k.Name, Part: part})
	}
	if err := api.CheckKernels(b.manifest.Kernels); err != nil {
		return fmt.Errorf("%s: %w", b.manifest.Name, err)
	}
	return nil
}

// urls are where the job's kernels are called, at the node that base names.
func (b *built) urls(base string) []string {
	urls := []string{}
	for _, k := range b.manifest.Kernels {
		urls = append(urls, base+"/v1/kernels/"+b.manifest.Name+"/"+k.Name)
	}
	return urls
}

// upload puts a job's parts into the log.
func (b built) upload(ctx context.Context, client *api.Client) error {
	errs := make(chan error, len(b.parts))
	for digest, data := range b.parts {
		go func() { errs <- client.PutBlob(ctx, digest, data) }()
	}
	var err error
	for range b.parts {
		err = errors.Join(err, <-errs)
	}
	return err
}

func (a *app) deploy(ctx context.Context, file, on string, wait time.Duration) error {
	started := time.Now()
	target := make(chan dialled, 1)
	go func() {
		t, err := a.dial(ctx)
		target <- dialled{t, err}
	}()
	b, err := a.buildJob(ctx, file, on)
	if err != nil {
		return err
	}
	if b.manifest.Settings.Admin {
		return usage(fmt.Errorf("%s is an admin job, which is done once and not kept running: capo run %s", b.manifest.Name, file))
	}
	a.noteUnserved(b.manifest)
	d := <-target
	if d.err != nil {
		return d.err
	}
	a.noteSecrets(ctx, d.chosen.client, b.manifest)
	if err := b.upload(ctx, d.chosen.client); err != nil {
		return err
	}
	c, err := d.chosen.say(ctx, control.KindJob, b.manifest.Name, b.manifest)
	if err != nil {
		return fmt.Errorf("deploy %s: %w", b.manifest.Name, err)
	}
	row, err := d.chosen.client.WaitJob(ctx, b.manifest.Name, c.Generation, wait)
	if err != nil {
		return fmt.Errorf("deploy %s: %w", b.manifest.Name, err)
	}
	out := deployed{Job: row.Name, Version: c.Digest[:8], Generation: c.Generation, Nodes: row.Nodes, URLs: b.urls(d.chosen.client.Base), TookMS: time.Since(started).Milliseconds()}
	if err := a.show(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s@%s runs on %s (generation %d, %d ms)\n", out.Job, out.Version, nodeList(out.Nodes), out.Generation, out.TookMS)
		for _, url := range out.URLs {
			_, _ = fmt.Fprintln(w, url) // the error is the line's before
		}
		return err
	}); err != nil {
		return err
	}
	return a.unsettled(row, c.Generation)
}

type dialled struct {
	chosen *chosen
	err    error
}

// noteUnserved says which handlers of a job wait for a later version of Capo.
func (a *app) noteUnserved(m api.Manifest) {
	for _, h := range []string{"fetch"} {
		if slices.Contains(m.Handlers, h) {
			fmt.Fprintf(a.Err, "note: %s has a %s handler, which this version does not call yet\n", m.Name, h)
		}
	}
}

// unsettled is the error of a job that does not run everywhere it belongs.
func (a *app) unsettled(row api.Job, generation uint64) error {
	if row.Generation > generation {
		return fmt.Errorf("%s was deployed again meanwhile: generation %d", row.Name, row.Generation)
	}
	if len(row.Missing) == 0 && (row.State == api.JobRunning || row.State == api.JobDegraded || row.State == api.JobStopped) {
		return nil
	}
	if len(row.Missing) == 0 && row.State == api.JobPending {
		return fmt.Errorf("%s is in the log, but no ready node fits its selectors", row.Name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s does not run everywhere it belongs:", row.Name)
	for _, id := range slices.Sorted(maps.Keys(row.Missing)) {
		fmt.Fprintf(&b, "\n  %s %s", id, row.Missing[id])
	}
	if row.State == api.JobParked {
		return errors.New(b.String())
	}
	return coded{errors.New(b.String()), exitTimeout}
}

func nodeList(ids []string) string {
	if len(ids) == 0 {
		return "no node"
	}
	return strings.Join(ids, ", ")
}

// say signs a control record about a target, one generation after its newest, and appends it.
func (c *chosen) say(ctx context.Context, kind, target string, body any) (*control.Record, error) {
	return c.sayOf(ctx, kind, target, func(api.Standing) (any, error) { return body, nil })
}

// sayOf is say, of a body that depends on where its target stands.
func (c *chosen) sayOf(ctx context.Context, kind, target string, make func(api.Standing) (any, error)) (*control.Record, error) {
	for attempt := 0; ; attempt++ {
		standing, err := c.client.Generation(ctx, control.Class(kind), target)
		if err != nil {
			return nil, err
		}
		if err := c.remind(ctx, kind, standing.Revoked); err != nil {
			return nil, err
		}
		rec := &control.Record{Fleet: c.fleet.ID(), Log: standing.Log, Kind: kind, Target: target, Generation: standing.Generation + 1, Time: time.Now().UnixMilli()}
		body, err := make(standing)
		if err != nil {
			return nil, err
		}
		if err := rec.Seal(body); err != nil {
			return nil, err
		}
		if err := rec.Sign(c.fleet.Key); err != nil {
			return nil, err
		}
		data, err := rec.Encode()
		if err != nil {
			return nil, err
		}
		answer, err := c.client.AppendControl(ctx, data)
		if api.IsStatus(err, http.StatusConflict) && attempt < 3 {
			continue // somebody else was faster
		}
		rec.Seq = answer.Seq
		return rec, err
	}
}

// remind tells a log what was revoked before it, since a log that was formed anew knows only what stands in its images.
func (c *chosen) remind(ctx context.Context, kind string, known []string) error {
	if kind == control.KindRevoke {
		return nil
	}
	var missing []string
	for _, mark := range c.fleet.Membership.Revoked {
		if !slices.Contains(known, mark) {
			missing = append(missing, mark)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := c.sayRevoked(ctx, missing); err != nil {
		return fmt.Errorf("tell the log what was revoked: %w", err)
	}
	return nil
}

func (a *app) rmCmd() *cobra.Command {
	var yes, dry bool
	var wait time.Duration
	c := &cobra.Command{
		Use: "rm NAME", Short: "Stop a job on all nodes", Long: "Stop a job on all nodes. Its streams stay, and so do its checkpoints: deployed again, it goes on where it was.",
		Example: "  capo rm edges --yes", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeJobs,
		RunE: func(c *cobra.Command, args []string) error {
			return a.remove(c.Context(), args[0], yes, dry, wait)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be stopped, and stop nothing")
	c.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait until it has stopped")
	return c
}

func (a *app) remove(ctx context.Context, name string, yes, dry bool, wait time.Duration) error {
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	row, err := target.client.Job(ctx, name)
	if api.IsStatus(err, http.StatusNotFound) {
		return fmt.Errorf("there is no job %s; capo jobs lists them", name)
	}
	if err != nil {
		return err
	}
	if dry {
		fmt.Fprintf(a.Out, "would stop %s@%s on %s\n", name, row.Version, nodeList(row.Nodes))
		return nil
	}
	if !yes {
		if err := a.confirm(fmt.Sprintf("Stop %s on %s?", name, nodeList(row.Nodes))); err != nil {
			return err
		}
	}
	rec, err := target.say(ctx, control.KindRemove, name, struct{}{})
	if err != nil {
		return fmt.Errorf("rm %s: %w", name, err)
	}
	after, err := target.client.WaitJob(ctx, name, rec.Generation, wait)
	if err != nil {
		return fmt.Errorf("rm %s: %w", name, err)
	}
	out := deployed{Job: name, Version: after.Version, Generation: rec.Generation, Nodes: after.Nodes, URLs: []string{}}
	if err := a.show(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s stopped (generation %d)\n", name, rec.Generation)
		return err
	}); err != nil {
		return err
	}
	return a.unsettled(after, rec.Generation)
}

// nonce is a short random name.
func nonce() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return hex.EncodeToString(b[:])
}
