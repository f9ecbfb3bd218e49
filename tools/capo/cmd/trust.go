package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

// tokenRow is what `token` and `fleet invite` print.
type tokenRow struct {
	Token   string    `json:"token"`
	ID      string    `json:"id"` // by which it is revoked
	Role    string    `json:"role"`
	Job     string    `json:"job,omitempty"`
	Expires time.Time `json:"expires"`
}

// maxTokenLife is how long a token may be good for: what lives longer should be an operator's key.
const maxTokenLife = 366 * 24 * time.Hour

func (a *app) tokenCmd() *cobra.Command {
	var role, job string
	var life time.Duration
	c := &cobra.Command{
		Use: "token", Short: "Make a token for the HTTP API and for NATS clients",
		Long: "Make a bearer token, signed by this operator's key. It is made here: no node has to be reached. A viewer may look; a caller of one job may use its routes and kernels, and append to its `in`; " +
			"an operator may do what needs no signature. capo fleet revoke token:ID takes one back.",
		Example: "  capo token --role viewer --for 24h\n  curl --cacert <(capo fleet show --ca) -H \"Authorization: Bearer $(capo token)\" https://NODE:8470/v1/nodes\n  capo token --role caller --job edges",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if (role == string(trust.RoleCaller)) != (job != "") {
				return usage(errors.New("--job names the job of a caller: --role caller --job NAME"))
			}
			switch trust.Role(role) {
			case trust.RoleViewer, trust.RoleCaller, trust.RoleOperator:
			default:
				return usage(fmt.Errorf("--role %q: want viewer, caller or operator", role))
			}
			return a.newToken(trust.Claims{Role: trust.Role(role), Job: job}, life)
		},
	}
	c.Flags().StringVar(&role, "role", "viewer", "viewer, caller or operator")
	c.Flags().StringVar(&job, "job", "", "the job that a caller may call")
	c.Flags().DurationVar(&life, "for", 8*time.Hour, "how long it is good for")
	_ = c.RegisterFlagCompletionFunc("role", cobra.FixedCompletions([]string{"viewer", "caller", "operator"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// newToken signs claims and prints the token.
func (a *app) newToken(c trust.Claims, life time.Duration) error {
	if life < time.Second || life > maxTokenLife {
		return usage(fmt.Errorf("--for %v: want from 1s to %v", life, maxTokenLife))
	}
	f, err := a.loadFleet()
	if err != nil {
		return err
	}
	now := time.Now()
	c.Fleet, c.ID, c.Issued, c.Expires = f.ID(), trust.NewTokenID(), now.Unix(), now.Add(life).Unix()
	c.CA = trust.Fingerprint(f.Membership.CA.RawSubjectPublicKeyInfo)
	text, err := c.Sign(f.Key)
	if err != nil {
		return usage(err)
	}
	row := tokenRow{Token: text, ID: c.ID, Role: string(c.Role), Job: c.Job, Expires: c.ExpiresAt().UTC()}
	if a.output == "table" {
		fmt.Fprintf(a.Err, "%s until %s; capo fleet revoke token:%s takes it back\n", describeRole(c), row.Expires.Format(time.RFC3339), c.ID)
		if c.Role == trust.RoleCaller {
			fmt.Fprintf(a.Err, "a NATS client needs the inbox prefix _INBOX.%s with it\n", c.ID)
		}
	}
	return a.show(row, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, text)
		return err
	})
}

func describeRole(c trust.Claims) string {
	switch c.Role {
	case trust.RoleCaller:
		return "lets its bearer call " + c.Job
	case trust.RoleJoin:
		return "lets one node in, once,"
	}
	return "makes its bearer " + map[trust.Role]string{trust.RoleViewer: "a viewer", trust.RoleOperator: "an operator"}[c.Role]
}

func (a *app) inviteCmd() *cobra.Command {
	var life time.Duration
	c := &cobra.Command{
		Use: "invite", Short: "Print a one-use join token", Long: "Print a token with which one machine joins the fleet, once: capo node --invite TOKEN. It needs a log server whose image has a join token to be up.",
		Example: "  capo fleet invite --for 1h", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.newToken(trust.Claims{Role: trust.RoleJoin}, life) },
	}
	c.Flags().DurationVar(&life, "for", time.Hour, "how long it is good for")
	return c
}

func (a *app) approveCmd() *cobra.Command {
	var always, yes bool
	var wait time.Duration
	c := &cobra.Command{
		Use: "approve NODE|FINGERPRINT", Short: "Let in a node that waits",
		Long: "Let in a node whose image has no join token. Compare the fingerprint with the one on its console: it is all that tells the node from another that took its name. " +
			"After a reboot it has another key and waits again, unless --always: then its id alone, which comes from its hardware address, is believed; that is weak, since whoever is on the network can take it.",
		Example: "  capo nodes                    # lists those that wait, with their fingerprints\n  capo fleet approve 525400d09e00", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.approve(c.Context(), args[0], always, yes, wait) },
	}
	c.Flags().BoolVar(&always, "always", false, "let it in after each reboot too, by its id alone (weak)")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait until it has joined; 0: not at all")
	return c
}

func (a *app) approve(ctx context.Context, what string, always, yes bool, wait time.Duration) error {
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	rows, err := target.client.Nodes(ctx)
	if err != nil {
		return err
	}
	var found []api.Node
	for _, row := range rows {
		if row.State == fleet.StateUnapproved && (row.ID == what || len(what) >= 8 && strings.HasPrefix(row.Fingerprint, what)) {
			found = append(found, row)
		}
	}
	switch {
	case len(found) == 0:
		return fmt.Errorf("no node %s waits to be approved; capo nodes lists those that do", what)
	case len(found) > 1:
		return fmt.Errorf("%d nodes say that they are %s: name the one you mean by its fingerprint (capo nodes -o json)", len(found), what)
	}
	n := found[0]
	if !yes {
		if err := a.confirm(fmt.Sprintf("Let %s in, whose key has the fingerprint %s?", n.ID, n.Fingerprint)); err != nil {
			return err
		}
	}
	if always {
		fmt.Fprintf(a.Err, "%s will be let in after each reboot by its id alone, which is its hardware address: that is weak\n", n.ID)
	}
	if _, err := target.say(ctx, control.KindApprove, n.ID, api.Approve{ID: n.ID, Key: n.Fingerprint, Always: always}); err != nil {
		return fmt.Errorf("approve %s: %w", n.ID, err)
	}
	for end := time.Now().Add(wait); time.Now().Before(end); {
		if rows, err := target.client.Nodes(ctx); err == nil && slices.ContainsFunc(rows, func(r api.Node) bool { return r.ID == n.ID && r.State == fleet.StateReady }) {
			fmt.Fprintf(a.Err, "%s is in the fleet\n", n.ID)
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
	if wait == 0 {
		return nil
	}
	return coded{fmt.Errorf("%s is approved and has not joined within %v", n.ID, wait), exitTimeout}
}

func (a *app) revokeCmd() *cobra.Command {
	var yes, dry bool
	c := &cobra.Command{
		Use: "revoke WHAT…", Short: "Take back what lets somebody in",
		Long: "Take back a node (its id), an image (image:SERIAL: the join token in it, and every node that came in by it), a token (token:ID) or any key (key:FINGERPRINT). Live connections end within two seconds. " +
			"A node that is revoked by its id can come back under another one if its image has a join token: revoke the image too. What is revoked stands in every image that is made from here on.",
		Example: "  capo fleet revoke pi1\n  capo fleet revoke image:4a1c9d2e33f00b71\n  capo fleet show -o json      # lists the images that were made", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.revoke(c.Context(), args, yes, dry) },
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&dry, "dry-run", false, "say what would be revoked, and revoke nothing")
	return c
}

func (a *app) revoke(ctx context.Context, what []string, yes, dry bool) error {
	var marks []string
	for _, w := range what {
		if !strings.Contains(w, ":") {
			w = "node:" + w
		}
		if !trust.ValidMark(w) {
			return usage(fmt.Errorf("%q: want a node's id, image:SERIAL, token:ID or key:FINGERPRINT", w))
		}
		marks = append(marks, w)
	}
	if dry {
		fmt.Fprintf(a.Out, "would revoke %s\n", strings.Join(marks, ", "))
		return nil
	}
	if !yes {
		if err := a.confirm(fmt.Sprintf("Revoke %s?", strings.Join(marks, ", "))); err != nil {
			return err
		}
	}
	store, f, err := a.storeAndFleet()
	if err != nil {
		return err
	}
	for _, m := range marks {
		if !slices.Contains(f.Membership.Revoked, m) {
			f.Membership.Revoked = append(f.Membership.Revoked, m)
		}
	}
	slices.Sort(f.Membership.Revoked)
	if err := store.Update(f); err != nil {
		return err
	}
	target, err := a.dial(ctx)
	if err == nil {
		err = target.sayRevoked(ctx, marks)
	}
	if err != nil {
		return fmt.Errorf("%s will be revoked in new images, and in the running fleet by the next command that reaches it: %w", strings.Join(marks, ", "), err)
	}
	fmt.Fprintf(a.Err, "revoked %s\n", strings.Join(marks, ", "))
	return nil
}

// sayRevoked tells the fleet what is revoked.
func (c *chosen) sayRevoked(ctx context.Context, marks []string) error {
	for start := 0; start < len(marks); start += 64 {
		part := marks[start:min(start+64, len(marks))]
		if _, err := c.say(ctx, control.KindRevoke, revokeTarget(part), api.Revoke{Marks: part}); err != nil {
			return err
		}
	}
	return nil
}

// revokeTarget names a set of marks.
func revokeTarget(marks []string) string {
	return control.Digest([]byte(strings.Join(marks, "\n")))[:16]
}

func (a *app) storeAndFleet() (*fleet.Store, *fleet.Fleet, error) {
	store, err := openStore()
	if err != nil {
		return nil, nil, err
	}
	f, err := a.loadFleet()
	return store, f, err
}
