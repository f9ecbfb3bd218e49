package cmd

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/fleet/look"
	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/tools/capo/local"
)

func (a *app) exportCmd() *cobra.Command {
	return &cobra.Command{Use: "export", Short: "Print the public part of a fleet, for another operator", Example: "  capo fleet export >home.json", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			f, err := a.loadFleet()
			if err != nil {
				return err
			}
			data, err := f.Membership.Marshal()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.Out, "%s\n", data)
			return err
		}}
}

func (a *app) importCmd() *cobra.Command {
	var locked bool
	c := &cobra.Command{Use: "import FILE", Short: "Become another operator of a fleet", Long: "Keep the public part of a fleet that another operator exported, with a new key for this operator, and print that key: the other operator adds it (capo fleet operator add). The CA stays where it is.",
		Example: "  capo fleet import home.json", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error { return a.importFleet(args[0], locked) }}
	c.Flags().BoolVar(&locked, "passphrase", false, "lock the key with a passphrase")
	return c
}

func (a *app) importFleet(path string, locked bool) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	m, err := fleet.ParseMembership(raw)
	if err != nil {
		return fmt.Errorf("import %s: %w", path, err)
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	store, err := openStore()
	if err != nil {
		return err
	}
	m.Token, m.Invite, m.Labels = nil, "", nil
	if err := store.Keep(fleet.Imported(m, key), locked); err != nil {
		return fmt.Errorf("import %s: %w", path, err)
	}
	text := base64.StdEncoding.EncodeToString(public)
	fmt.Fprintf(a.Err, "kept the fleet %s (%s); its operator has to add this key: capo fleet operator add '%s'\n", m.Name, m.ID(), text)
	return a.show(operatorRow{Key: text, Fingerprint: trust.OperatorFingerprint(public), Own: true}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, text)
		return err
	})
}

func (a *app) reformCmd() *cobra.Command {
	var yes, dry bool
	c := &cobra.Command{Use: "reform", Short: "Form a new log of the nodes that are there, after the old one was lost for good",
		Long: "Form a new log of the nodes that can be reached. Nodes that were in a log never form another by themselves, since the rest of the fleet may still be in it somewhere. " +
			"What the old log held is gone; if it lives on elsewhere, there are two, and one gives way when they meet.",
		Example: "  capo fleet reform --dry-run\n  capo fleet reform --yes", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return a.reform(c.Context(), yes, dry) }}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&dry, "dry-run", false, "say which nodes would form a log")
	return c
}

// reachable are the nodes of a fleet that answer, by address.
func (a *app) reachable(ctx context.Context, f *fleet.Fleet, authority *trust.Authority) (map[string]string, error) {
	found := map[string]string{}
	if r, err := local.Load(f.Name); err == nil {
		for _, n := range r.Nodes {
			if h, err := fleet.Ask(ctx, nil, authority, n.Address); err == nil {
				found[h.ID] = n.Address
			}
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	list, err := fleet.Discover(limit(ctx, 4*time.Second), authority, nil)
	for _, n := range list {
		found[n.Hello.ID] = n.Addr.String()
	}
	return found, err
}

func (a *app) reform(ctx context.Context, yes, dry bool) error {
	f, err := a.loadFleet()
	if err != nil {
		return err
	}
	authority, err := f.Authority()
	if err != nil {
		return err
	}
	found, err := a.reachable(ctx, f, authority)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return noFleet(fmt.Errorf("no node of fleet %s answers", f.Name))
	}
	ids := sortedKeys(found)
	if dry {
		fmt.Fprintf(a.Out, "%d nodes would form a new log: %s\n", len(ids), nodeList(ids))
		return nil
	}
	if !yes {
		if err := a.confirm(fmt.Sprintf("Form a new, empty log of %d nodes (%s)?", len(ids), nodeList(ids))); err != nil {
			return err
		}
	}
	var errs []error
	for _, id := range ids {
		client := api.New(found[id], authority.Client(trust.Expect(id)))
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		if err := client.Send(try, http.MethodPost, fmt.Sprintf("/v1/reform?size=%d", len(ids)), nil); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", id, err))
		}
		cancel()
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("reform: %w", err)
	}
	fmt.Fprintf(a.Err, "%d nodes form a new log: %s\n", len(ids), nodeList(ids))
	return nil
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

type nodeFlags struct {
	invite, iface, labels, name, address string
	peers                                []string
	size, expect                         int
	ttl                                  time.Duration
}

func (a *app) nodeCmd() *cobra.Command {
	f := nodeFlags{}
	c := &cobra.Command{Use: "node", Short: "Join this machine to a fleet, as a process in the foreground",
		Long:    "Join this machine to a fleet as a node: with a fleet whose CA is here, or with a one-use token that its operator printed (capo fleet invite). It runs until it is interrupted.",
		Example: "  capo node --fleet home --interface eth0\n  capo node --invite capo.eyJ… --interface eth0", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.runNode(c.Context(), f) }}
	c.Flags().StringVar(&f.invite, "invite", "", "a one-use token; - reads it from standard input, which keeps it out of the list of processes")
	c.Flags().StringVar(&f.iface, "interface", "", "where peers are looked for (default: everywhere)")
	c.Flags().StringVar(&f.address, "address", "", "listen on this address alone")
	c.Flags().StringVar(&f.name, "name", "", "the node's name")
	c.Flags().StringVar(&f.labels, "labels", "", "the node's labels, `k=v,…`")
	c.Flags().StringSliceVar(&f.peers, "peers", nil, "`HOST:PORT` of nodes that multicast does not reach")
	c.Flags().IntVar(&f.size, "size", 3, "how many nodes the fleet has")
	c.Flags().IntVar(&f.expect, "expect", 0, "how many nodes form the log (default: 3, or size if that is less)")
	c.Flags().DurationVar(&f.ttl, "ttl", 0, "end by itself after so long; 0: never")
	return c
}

func (a *app) runNode(ctx context.Context, f nodeFlags) error {
	labels, err := parseLabels(f.labels)
	if err != nil {
		return usage(err)
	}
	m, err := a.nodeMembership(ctx, f)
	if err != nil {
		return err
	}
	return local.RunNode(ctx, a.source(), m, local.NodeOptions{Name: f.name, Interface: f.iface, Address: f.address, Labels: labels, Peers: f.peers, Size: f.size, Expect: f.expect, TTL: f.ttl, Out: a.Err})
}

// nodeMembership is what the node gets: a join token of its own where the CA is here, else what the invitation leads to.
func (a *app) nodeMembership(ctx context.Context, f nodeFlags) (*fleet.Membership, error) {
	if f.invite == "" {
		store, fl, err := a.storeAndFleet()
		if err != nil {
			return nil, err
		}
		return store.WithToken(fl, "node "+f.name)
	}
	if f.invite == "-" {
		data, err := io.ReadAll(io.LimitReader(a.In, 8<<10))
		if err != nil {
			return nil, err
		}
		f.invite = string(data)
	}
	f.invite = strings.TrimSpace(f.invite)
	claims, err := trust.ParseToken(f.invite)
	if err != nil || claims.Role != trust.RoleJoin {
		return nil, usage(errors.Join(errors.New("--invite wants a one-use token (capo fleet invite)"), err))
	}
	var interfaces []string
	if f.iface != "" {
		interfaces = []string{f.iface}
	}
	addrs := f.peers
	if len(addrs) == 0 {
		if addrs, err = look.For(limit(ctx, 10*time.Second), claims.Fleet, interfaces); err != nil {
			return nil, err
		}
	}
	var errs []error
	for _, addr := range addrs {
		m, err := fetchFleet(ctx, addr, claims)
		if err == nil {
			m.Invite = f.invite
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, noFleet(errors.Join(append(errs, fmt.Errorf("no node of the fleet %s that the token is for answers", claims.Fleet))...))
}

// fetchFleet asks a node for its fleet's public part, and believes it if it is of the CA that the invitation names.
func fetchFleet(ctx context.Context, addr string, claims trust.Claims) (*fleet.Membership, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// What comes is verified by the fingerprint in the invitation, which is why the connection need not be.
	client := &api.Client{Base: "https://" + addr, HTTP: api.Transport(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}, netip.Addr{})}
	resp, err := client.Do(ctx, http.MethodGet, "/v1/fleet", "", nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s for its fleet: %w", addr, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, fleet.MaxMembershipBytes))
	if err != nil {
		return nil, fmt.Errorf("ask %s for its fleet: %w", addr, err)
	}
	m, err := fleet.ParseMembership(json.RawMessage(raw))
	if err != nil {
		return nil, fmt.Errorf("the fleet of %s: %w", addr, err)
	}
	if trust.Fingerprint(m.CA.RawSubjectPublicKeyInfo) != claims.CA {
		return nil, fmt.Errorf("the fleet of %s: %w", addr, trust.ErrUnknownCA)
	}
	return m, nil
}
