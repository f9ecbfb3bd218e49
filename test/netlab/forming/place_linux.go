package forming

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/capodekappa/capo/fleet"
	"github.com/capodekappa/capo/test/netlab"
)

// InLab returns the lab as a place: each node in its namespace, with the addresses of its links.
func InLab(l *netlab.Lab) Place { return labPlace{l} }

type labPlace struct{ *netlab.Lab }

func (p labPlace) Command(ctx context.Context, i int, name string, args ...string) *exec.Cmd {
	return p.Exec(ctx, i, name, args...)
}
func (p labPlace) Dialer(i int) fleet.Dialer { return p.Lab.Dialer(i) }
func (p labPlace) Addr(i int) string         { return p.Lab.Addr(i).String() }
func (p labPlace) Listen(int) string         { return "" }

// Loopback returns the loopback interface as a place, where nodes have addresses of a random /24
// of 127.0.0.0/8 and, when the test is root, run as an unprivileged user.
func Loopback() Place {
	b := make([]byte, 2)
	_, _ = rand.Read(b)
	return loopback{fmt.Sprintf("127.%d.%d.", 100+int(b[0])%100, b[1])}
}

type loopback struct{ prefix string }

// nobody is the uid and gid that owns nothing.
const nobody = 65534

func (loopback) Command(ctx context.Context, _ int, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 5 * time.Second
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}
func (loopback) Dialer(int) fleet.Dialer { return nil }
func (p loopback) Addr(i int) string     { return fmt.Sprintf("%s%d", p.prefix, i+1) }
func (p loopback) Listen(i int) string   { return p.Addr(i) }
