//go:build unix

package fleet

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// owner is the user to whom made files are given. The zero value leaves them as they are.
type owner struct {
	home     string // set only under sudo
	uid, gid int
}

// invoker returns the user who called sudo, or the zero owner.
func invoker() (owner, error) {
	name := os.Getenv("SUDO_USER")
	if os.Geteuid() != 0 || name == "" || name == "root" {
		return owner{}, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return owner{}, fmt.Errorf("look up SUDO_USER: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return owner{}, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return owner{}, err
	}
	return owner{home: u.HomeDir, uid: uid, gid: gid}, nil
}

func (o owner) own(path string) error {
	if o.home == "" {
		return nil
	}
	return os.Lchown(path, o.uid, o.gid)
}
