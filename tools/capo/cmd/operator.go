package cmd

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

// operatorCmd has the operators' keys.
func (a *app) operatorCmd() *cobra.Command {
	c := &cobra.Command{Use: "operator", Short: "Whose signatures count: list, add, remove and rotate operators' keys", Example: "  capo fleet operator ls\n  capo fleet operator rotate"}
	var name string
	add := &cobra.Command{Use: "add KEY", Short: "Have another operator's key count", Long: "Have another operator's key count, from now on and in every image made from here on. KEY is what capo fleet import printed on the other operator's machine.",
		Example: "  capo fleet operator add 'UbvfbBouivI9…=' --name ada", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.operatorAdd(c.Context(), args[0], name) }}
	add.Flags().StringVar(&name, "name", "", "whose key it is")
	c.AddCommand(add,
		&cobra.Command{Use: "ls", Short: "List the operators' keys", Example: "  capo fleet operator ls", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return a.operatorList() }},
		&cobra.Command{Use: "rm KEY", Short: "Have an operator's key count no more", Example: "  capo fleet operator rm 'UbvfbBouivI9…='", Args: cobra.ExactArgs(1),
			RunE: func(c *cobra.Command, args []string) error { return a.operatorRemove(c.Context(), args[0]) }},
		&cobra.Command{Use: "rotate", Short: "Make a new key for this operator and have the old one count no more", Example: "  capo fleet operator rotate", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return a.operatorRotate(c.Context()) }})
	return c
}

// operatorRow is a row of `fleet operator ls`.
type operatorRow struct {
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
	Own         bool   `json:"own"`
}

func (a *app) operatorList() error {
	f, err := a.loadFleet()
	if err != nil {
		return err
	}
	rows := []operatorRow{}
	for _, key := range f.Membership.Operators {
		rows = append(rows, operatorRow{base64.StdEncoding.EncodeToString(key), trust.OperatorFingerprint(key), key.Equal(f.Key.Public())})
	}
	return a.show(rows, func(w io.Writer) error {
		t := table{head: []string{"KEY", "FINGERPRINT", "OWN"}}
		for _, r := range rows {
			t.add(r.Key, r.Fingerprint[:16]+"…", yesNo(r.Own))
		}
		return t.write(w)
	})
}

func parseOperatorKey(text string) (ed25519.PublicKey, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, usage(fmt.Errorf("%.60q is not an operator's public key (capo fleet operator ls prints them)", text))
	}
	return key, nil
}

// sayOperator tells the fleet about an operator's key.
func (c *chosen) sayOperator(ctx context.Context, key ed25519.PublicKey, name string, remove bool) error {
	_, err := c.say(ctx, control.KindOperator, trust.OperatorFingerprint(key)[:16], api.OperatorSet{Key: base64.StdEncoding.EncodeToString(key), Name: name, Remove: remove})
	return err
}

func (a *app) operatorAdd(ctx context.Context, text, name string) error {
	key, err := parseOperatorKey(text)
	if err != nil {
		return err
	}
	store, f, err := a.storeAndFleet()
	if err != nil {
		return err
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	if err := target.sayOperator(ctx, key, name, false); err != nil {
		return fmt.Errorf("add an operator: %w", err)
	}
	if !slices.ContainsFunc(f.Membership.Operators, func(k ed25519.PublicKey) bool { return k.Equal(key) }) {
		f.Membership.Operators = append(f.Membership.Operators, key)
	}
	return store.Update(f)
}

func (a *app) operatorRemove(ctx context.Context, text string) error {
	key, err := parseOperatorKey(text)
	if err != nil {
		return err
	}
	store, f, err := a.storeAndFleet()
	if err != nil {
		return err
	}
	if key.Equal(f.Key.Public()) {
		return usage(errors.New("that is this operator's own key: capo fleet operator rotate replaces it; another operator can remove it"))
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	if err := target.sayOperator(ctx, key, "", true); err != nil {
		return fmt.Errorf("remove an operator: %w", err)
	}
	retire(f, key)
	return store.Update(f)
}

// retire takes an operator's key out of what new images get, and has it count as revoked: an image that was made before brings it
// along, and the next command that reaches a new log tells it so.
func retire(f *fleet.Fleet, key ed25519.PublicKey) {
	f.Membership.Operators = slices.DeleteFunc(f.Membership.Operators, func(k ed25519.PublicKey) bool { return k.Equal(key) })
	if mark := "key:" + trust.OperatorFingerprint(key); !slices.Contains(f.Membership.Revoked, mark) {
		f.Membership.Revoked = append(f.Membership.Revoked, mark)
	}
}

// operatorRotate has a new key count, keeps it, and has the old one count no more, in this order: at no time is
// there a key here that does not count.
func (a *app) operatorRotate(ctx context.Context) error {
	store, f, err := a.storeAndFleet()
	if err != nil {
		return err
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	target, err := a.dial(ctx)
	if err != nil {
		return err
	}
	if err := target.sayOperator(ctx, public, "", false); err != nil {
		return fmt.Errorf("rotate: the new key was not taken; nothing has changed: %w", err)
	}
	old := f.Key.Public().(ed25519.PublicKey)
	f.Membership.Operators = append(f.Membership.Operators, public)
	if err := errors.Join(store.Update(f), store.SetKey(f, key)); err != nil {
		return fmt.Errorf("rotate: %w", err)
	}
	if target, err = a.dial(ctx); err != nil {
		return err
	}
	if err := target.sayOperator(ctx, old, "", true); err != nil {
		return fmt.Errorf("rotate: the new key counts, and so does the old one still (capo fleet operator rm): %w", err)
	}
	retire(f, old)
	if err := store.Update(f); err != nil {
		return err
	}
	fmt.Fprintf(a.Err, "this operator's key is now %s; images made before know the old one, and believe the new one once they have read the log\n", base64.StdEncoding.EncodeToString(public))
	return nil
}
