package cmd

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/node/seal"
	"github.com/capodekappa/capo/queue/control"
)

func (a *app) secretCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "secret", Short: "Keep secrets that jobs bind",
		Long:    "Keep secrets that jobs bind (bind: { API_KEY: 'secret' }). They are sealed to the log's servers and to the nodes that run such a job;\nthe log has them in no form that others can read, and so has nothing after it was lost: put them again then.",
		Example: "  capo secret put API_KEY key.txt\n  pass show api | capo secret put API_KEY\n  capo secret ls\n  capo secret rm API_KEY --yes",
	}
	put := &cobra.Command{
		Use: "put NAME [FILE]", Short: "Put a secret, or another value of it",
		Long: "Put a secret, or another value of it: at most 32 KB of text, read from FILE as it is, or from standard input, of which one newline at the\n" +
			"end is dropped. Jobs that wait for it start; those that have it are started again with the new value.",
		Example: "  capo secret put API_KEY key.txt\n  printf %s \"$KEY\" | capo secret put API_KEY", Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error { return a.secretPut(c.Context(), args[0], args[1:]) },
	}
	ls := &cobra.Command{
		Use: "ls", Short: "List secrets and the jobs that bind them; never their values", Example: "  capo secret ls", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.secretList(c.Context()) },
	}
	var yes, dry bool
	rm := &cobra.Command{
		Use: "rm NAME", Short: "Have all nodes forget a secret", Long: "Have all nodes forget a secret. Jobs that bind it stop, and wait for another.",
		Example: "  capo secret rm API_KEY --yes", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.secretRemove(c.Context(), args[0], yes, dry) },
	}
	rm.Flags().BoolVar(&yes, "yes", false, "do not ask")
	rm.Flags().BoolVar(&dry, "dry-run", false, "say what would be forgotten, and do nothing")
	c.AddCommand(put, ls, rm)
	return c
}

// secretRow is what putting or removing a secret prints.
type secretRow struct {
	Name       string   `json:"name"`
	Generation uint64   `json:"generation"`
	Sealed     []string `json:"sealed"` // the nodes that it was sealed to
	Jobs       []string `json:"jobs"`   // that bind it
}

func checkSecretName(name string) error {
	if !job.ValidSecret(name) {
		return usage(fmt.Errorf("%q is not a secret's name: a letter, then letters, digits, _ and -, at most 64", name))
	}
	return nil
}

// readSecret reads a value from a file, or from standard input without the newline at its end.
func (a *app) readSecret(files []string) ([]byte, error) {
	if len(files) > 0 {
		f, err := os.Open(files[0])
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, seal.MaxValue+1))
	}
	value, err := io.ReadAll(io.LimitReader(a.In, seal.MaxValue+3))
	value = bytes.TrimSuffix(bytes.TrimSuffix(value, []byte("\n")), []byte("\r"))
	return value, err
}

func (a *app) secretPut(ctx context.Context, name string, files []string) error {
	if err := checkSecretName(name); err != nil {
		return err
	}
	value, err := a.readSecret(files)
	if err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	if err := seal.CheckValue(value); err != nil {
		return usage(fmt.Errorf("secret %s: %w", name, err))
	}
	if len(value) < 4 {
		fmt.Fprintf(a.Err, "note: values of less than 4 bytes are not redacted in what jobs print\n")
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	row, to, err := a.recipients(ctx, target, name)
	if err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	rec, err := target.sayOf(ctx, control.KindSecret, name, func(standing api.Standing) (any, error) {
		return seal.Seal(seal.Context{Fleet: target.fleet.ID(), Log: standing.Log, Name: name, Generation: standing.Generation + 1}, value, to)
	})
	if err != nil {
		return fmt.Errorf("secret put %s: %w", name, err)
	}
	out := secretRow{Name: name, Generation: rec.Generation, Sealed: []string{}, Jobs: row.Jobs}
	for _, r := range to {
		out.Sealed = append(out.Sealed, r.Node)
	}
	return a.show(out, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "secret %s is sealed to %s (generation %d)\n", name, strings.Join(out.Sealed, ", "), out.Generation)
		return err
	})
}

// keysWait is for how long a log server that has just joined may not have told its key.
const keysWait = 3 * time.Second

// recipients are the log's servers, and the nodes that jobs which bind the secret are placed on.
func (a *app) recipients(ctx context.Context, target *chosen, name string) (api.Secret, []seal.Recipient, error) {
	row, err := findSecret(ctx, target.client, name)
	if err != nil {
		return row, nil, err
	}
	for end := time.Now().Add(keysWait); ; {
		servers, others, missing, err := a.sortKeys(ctx, target, row.Nodes)
		if err != nil {
			return row, nil, err
		}
		if len(servers) > 0 && (missing == 0 || time.Now().After(end)) {
			return row, append(servers, others[:min(len(others), seal.MaxCopies-len(servers))]...), nil
		}
		if time.Now().After(end) {
			return row, nil, errors.New("no log server is there to keep it; capo nodes shows them")
		}
		select {
		case <-ctx.Done():
			return row, nil, context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// sortKeys verifies the keys that nodes tell, and gives those of the log's servers, those of the other nodes wanted, and how many servers have
// told none.
func (a *app) sortKeys(ctx context.Context, target *chosen, wanted []string) (servers, others []seal.Recipient, missing int, err error) {
	nodes, err := target.client.Nodes(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	keys, err := target.client.SealKeys(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	verified := map[string]seal.Recipient{}
	for _, k := range keys {
		r, err := seal.VerifyKey(target.authority, k)
		if err != nil {
			fmt.Fprintf(a.Err, "note: nothing is sealed to that node: %v\n", err)
			continue
		}
		verified[r.Node] = r
	}
	for _, n := range nodes {
		r, known := verified[n.ID]
		server := n.Log == string(fleet.RoleServer) && n.State != fleet.StateLost
		switch {
		case server && known:
			servers = append(servers, r)
		case server:
			missing++
		case known && slices.Contains(wanted, n.ID):
			others = append(others, r)
		}
	}
	return servers, others, missing, nil
}

// findSecret finds a secret's row; one that nobody put or binds has an empty one.
func findSecret(ctx context.Context, client *api.Client, name string) (api.Secret, error) {
	rows, err := client.Secrets(ctx)
	if err != nil {
		return api.Secret{}, err
	}
	if i := slices.IndexFunc(rows, func(s api.Secret) bool { return s.Name == name }); i >= 0 {
		return rows[i], nil
	}
	return api.Secret{Name: name, Jobs: []string{}}, nil
}

func (a *app) secretList(ctx context.Context) error {
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	rows, err := target.client.Secrets(ctx)
	if err != nil {
		return err
	}
	return a.show(rows, func(w io.Writer) error {
		t := table{head: []string{"NAME", "GEN", "PUT", "BY", "SEALED TO", "JOBS"}}
		for _, r := range rows {
			when, who := "not put", ""
			if r.Put {
				when, who = r.Time.Local().Format(time.DateTime), target.operatorName(r.Signer)
			}
			t.add(r.Name, fmt.Sprint(r.Generation), when, who, strings.Join(r.Sealed, " "), strings.Join(r.Jobs, " "))
		}
		return t.write(w)
	})
}

// operatorName names an operator's key by the beginning of its fingerprint, as `capo fleet operator ls` lists it.
func (c *chosen) operatorName(signer string) string {
	for _, key := range c.authority.Operators() {
		if base64.StdEncoding.EncodeToString(key) == signer {
			return trust.OperatorFingerprint(key)[:16]
		}
	}
	return signer
}

func (a *app) secretRemove(ctx context.Context, name string, yes, dry bool) error {
	if err := checkSecretName(name); err != nil {
		return err
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	row, err := findSecret(ctx, target.client, name)
	if err != nil {
		return err
	}
	if !row.Put {
		return fmt.Errorf("there is no secret %s; capo secret ls lists them", name)
	}
	bound := ""
	if len(row.Jobs) > 0 {
		bound = ", which " + strings.Join(row.Jobs, ", ") + " will wait for"
	}
	if dry {
		fmt.Fprintf(a.Out, "would remove the secret %s%s\n", name, bound)
		return nil
	}
	if !yes {
		if err := a.confirm(fmt.Sprintf("Remove the secret %s%s?", name, bound)); err != nil {
			return err
		}
	}
	rec, err := target.say(ctx, control.KindSecret, name, api.SecretSet{Remove: true})
	if err != nil {
		return fmt.Errorf("secret rm %s: %w", name, err)
	}
	return a.show(secretRow{Name: name, Generation: rec.Generation, Sealed: []string{}, Jobs: row.Jobs}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "secret %s is removed (generation %d)\n", name, rec.Generation)
		return err
	})
}

// noteSecrets says which secrets a job binds that nobody put yet.
func (a *app) noteSecrets(ctx context.Context, client *api.Client, m api.Manifest) {
	names := m.Settings.Secrets()
	if len(names) == 0 {
		return
	}
	rows, err := client.Secrets(ctx)
	if err != nil && !api.IsStatus(err, http.StatusNotFound) {
		return // what follows says why
	}
	for _, name := range names {
		if !slices.ContainsFunc(rows, func(s api.Secret) bool { return s.Name == name && s.Put }) {
			fmt.Fprintf(a.Err, "note: %s waits for the secret %s (capo secret put %s)\n", m.Name, name, name)
		}
	}
}
