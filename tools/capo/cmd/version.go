package cmd

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/capodekappa/capo/images"
)

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Example: "  capo version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": images.Version(), "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH}
			return a.show(v, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "capo %s (%s, %s/%s)\n", v["version"], v["go"], v["os"], v["arch"])
				return err
			})
		},
	}
}
