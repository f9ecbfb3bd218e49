package toolchain

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"
)

// mount is a folder that a tool sees.
type mount struct {
	dir   string // here
	guest string
}

// statter replaces WASI's path_filestat_get. wazero lists ".." with inode 0, on which libc asks for its status to learn
// the inode, and wazero refuses every path that leads upwards: reading any folder would fail. Here ".." is a folder.
type statter []mount

// Numbers of WASI preview 1.
const (
	firstPreopen  = 3
	wasiOK        = 0
	wasiBadF      = 8
	wasiFault     = 21
	wasiIO        = 29
	wasiNoEnt     = 44
	wasiPerm      = 63
	wasiDirectory = 3
	wasiRegular   = 4
	wasiSymlink   = 7
	followLinks   = 1
)

func (s statter) pathFilestatGet(_ context.Context, m api.Module, fd, flags, name, length, result uint32) uint32 {
	raw, ok := m.Memory().Read(name, length)
	if !ok {
		return wasiFault
	}
	buf, ok := m.Memory().Read(result, 64)
	if !ok {
		return wasiFault
	}
	clean := path.Clean(string(raw))
	if clean == ".." {
		putStat(buf, sys.Stat_t{Ino: 1, Nlink: 1, Mode: fs.ModeDir})
		return wasiOK
	}
	if fd < firstPreopen || fd >= firstPreopen+uint32(len(s)) {
		return wasiBadF
	}
	info, err := statIn(s[fd-firstPreopen].dir, clean, flags&followLinks != 0)
	switch {
	case err == nil:
		putStat(buf, sys.NewStat_t(info))
		return wasiOK
	case errors.Is(err, fs.ErrNotExist):
		return wasiNoEnt
	case errors.Is(err, fs.ErrPermission), !fs.ValidPath(clean):
		return wasiPerm
	}
	return wasiIO
}

// statIn never looks outside of dir, whatever links say.
func statIn(dir, name string, follow bool) (fs.FileInfo, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if follow {
		return root.Stat(name)
	}
	return root.Lstat(name)
}

// putStat writes a filestat: device, inode, type, links, size, times, eight bytes each.
func putStat(buf []byte, st sys.Stat_t) {
	kind := uint64(wasiRegular)
	switch {
	case st.Mode.IsDir():
		kind = wasiDirectory
	case st.Mode&fs.ModeSymlink != 0:
		kind = wasiSymlink
	}
	for i, v := range []uint64{st.Dev, st.Ino, kind, st.Nlink, uint64(st.Size), uint64(st.Atim), uint64(st.Mtim), uint64(st.Ctim)} {
		binary.LittleEndian.PutUint64(buf[8*i:], v)
	}
}
