package cmd

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/tools/capo/local"
)

// fleetRow is a row of `fleet ls`, and what `fleet show` prints.
type fleetRow struct {
	Name      string   `json:"name"`
	ID        string   `json:"id"`
	Current   bool     `json:"current"`
	Running   bool     `json:"running"` // on this machine
	Operators []string `json:"operators"`
	Revoked   []string `json:"revoked"`
	// Images are the join tokens that were made here, in `show` alone.
	Images []fleet.Image `json:"images,omitempty"`
	CA     string        `json:"ca,omitempty"` // PEM, only with --ca
}

func (a *app) fleetCmd() *cobra.Command {
	c := &cobra.Command{Use: "fleet", Short: "Roots of trust: make, list, choose and show fleets", Example: "  capo fleet new home\n  capo fleet ls"}
	var ca bool
	show := &cobra.Command{
		Use: "show [NAME]", Short: "Show a fleet", Example: "  capo fleet show home", Args: cobra.MaximumNArgs(1), ValidArgsFunction: a.completeFleets,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				a.fleet = args[0]
			}
			f, err := a.loadFleet()
			if err != nil {
				return err
			}
			row := rowOf(f, "")
			if err := a.showMore(&row, f); err != nil {
				return err
			}
			if ca {
				row.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Membership.CA.Raw}))
			}
			return a.show(row, func(w io.Writer) error {
				if ca {
					_, err := io.WriteString(w, row.CA)
					return err
				}
				if err := fleetTable([]fleetRow{row}).write(w); err != nil {
					return err
				}
				return imageTable(row).write(w)
			})
		},
	}
	show.Flags().BoolVar(&ca, "ca", false, "print the CA's certificate in PEM, for curl --cacert and other programs")
	c.AddCommand(
		a.fleetNewCmd(),
		&cobra.Command{Use: "ls", Short: "List the fleets here", Example: "  capo fleet ls", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error { return a.fleetList() }},
		&cobra.Command{Use: "use NAME", Short: "Choose the fleet that commands work on", Example: "  capo fleet use home", Args: cobra.ExactArgs(1), ValidArgsFunction: a.completeFleets,
			RunE: func(_ *cobra.Command, args []string) error {
				store, err := openStore()
				if err != nil {
					return err
				}
				if err := store.Use(args[0]); err != nil {
					return noFleetNamed(args[0], err)
				}
				fmt.Fprintf(a.Err, "commands now work on %s\n", args[0])
				return nil
			}},
		show, a.inviteCmd(), a.approveCmd(), a.revokeCmd(), a.operatorCmd(), a.exportCmd(), a.importCmd(), a.reformCmd(),
	)
	return c
}

// showMore adds what `show` tells besides.
func (a *app) showMore(row *fleetRow, f *fleet.Fleet) error {
	store, err := openStore()
	if err != nil {
		return err
	}
	row.Revoked = append([]string{}, f.Membership.Revoked...)
	row.Images, err = store.Images(f.Name)
	return err
}

func noFleetNamed(name string, err error) error {
	if errors.Is(err, fleet.ErrNotFound) {
		return noFleet(fmt.Errorf("there is no fleet %s here; capo fleet ls lists them, capo fleet new %s makes one", name, name))
	}
	return err
}

func rowOf(f *fleet.Fleet, current string) fleetRow {
	row := fleetRow{Name: f.Name, ID: f.ID(), Current: f.Name == current}
	for _, key := range f.Membership.Operators {
		row.Operators = append(row.Operators, base64.StdEncoding.EncodeToString(key))
	}
	if r, err := local.Load(f.Name); err == nil {
		row.Running = r.Alive()
	}
	return row
}

func fleetTable(rows []fleetRow) *table {
	t := &table{head: []string{"NAME", "ID", "CURRENT", "RUNNING", "OPERATORS"}}
	for _, r := range rows {
		t.add(r.Name, r.ID, yesNo(r.Current), yesNo(r.Running), strings.Join(r.Operators, " "))
	}
	return t
}

// imageTable lists the join tokens that were made.
func imageTable(row fleetRow) *table {
	t := &table{head: []string{"IMAGE", "MADE", "FOR", "REVOKED"}}
	for _, i := range row.Images {
		t.add(i.Serial, i.Time.Format(time.RFC3339), i.Name, yesNo(slices.Contains(row.Revoked, "image:"+i.Serial)))
	}
	return t
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func (a *app) fleetNewCmd() *cobra.Command {
	var locked bool
	c := &cobra.Command{Use: "new NAME", Short: "Make a fleet", Long: "Make a fleet: its CA and this operator's key, which stay in this user's folder and nowhere else.",
		Example: "  capo fleet new home\n  capo fleet new home --passphrase", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error { return a.fleetNew(args[0], locked) }}
	c.Flags().BoolVar(&locked, "passphrase", false, "lock the keys with a passphrase (or "+passphraseVariable+")")
	return c
}

func (a *app) fleetNew(name string, locked bool) error {
	store, err := openStore()
	if err != nil {
		return err
	}
	f, err := store.New(name, locked)
	if errors.Is(err, fleet.ErrExists) {
		return fmt.Errorf("fleet %s: %w; capo fleet use %s chooses it", name, err, name)
	}
	if err != nil {
		return usage(err)
	}
	row := rowOf(f, "")
	return a.show(row, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "made the fleet %s (%s); its keys are in %s and nowhere else\n", f.Name, f.ID(), store.Dir)
		return err
	})
}

func (a *app) fleetList() error {
	store, err := openStore()
	if err != nil {
		return err
	}
	names, err := store.List()
	if err != nil {
		return err
	}
	current, err := store.CurrentName()
	if err != nil && !errors.Is(err, fleet.ErrNoFleet) {
		return err
	}
	rows := []fleetRow{}
	for _, name := range names {
		f, err := store.Load(name)
		if err != nil {
			return err
		}
		rows = append(rows, rowOf(f, current))
	}
	return a.show(rows, func(w io.Writer) error { return fleetTable(rows).write(w) })
}

func (a *app) completeFleets(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	store, err := openStore()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, err := store.List()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// parseLabels reads k=v,….
func parseLabels(text string) (map[string]string, error) {
	labels := map[string]string{}
	if text == "" {
		return labels, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		k, v, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("label %q: want k=v", part)
		}
		labels[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	return labels, fleet.CheckLabels(labels)
}
