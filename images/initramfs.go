package images

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/u-root/u-root/pkg/cpio"

	"github.com/capodekappa/capo/board"
)

const (
	// BoardFile holds the board.json of an image.
	BoardFile = "/capo/board.json"
	// FleetFile holds what an image knows of its fleet.
	FleetFile = "/capo/fleet.json"
)

// initramfs returns the archive that is the same for every fleet: the executable, the board's description and the
// modules that the board needs, as newc cpio (Linux, Documentation/driver-api/early-userspace/buffer-format.rst)
// compressed with zstd.
func initramfs(b *board.Board, l *Linux, node string) ([]byte, error) {
	records, err := initramfsRecords(b, l, node)
	if err != nil {
		return nil, err
	}
	raw, err := archive(records)
	if err != nil {
		return nil, err
	}
	// One goroutine and one call give the same bytes every time. The kernel takes windows of up to 128 MB.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return nil, fmt.Errorf("start zstd: %w", err)
	}
	defer enc.Close()
	return enc.EncodeAll(raw, nil), nil
}

func initramfsRecords(b *board.Board, l *Linux, node string) ([]cpio.Record, error) {
	exe, err := os.ReadFile(node)
	if err != nil {
		return nil, fmt.Errorf("read the node's executable: %w", err)
	}
	boardJSON, err := b.JSON()
	if err != nil {
		return nil, err
	}
	mods, err := l.closure(b.Linux.Modules)
	if err != nil {
		return nil, fmt.Errorf("modules of board %s: %w", b.Name, err)
	}
	root := "lib/modules/" + l.Release
	records := []cpio.Record{
		cpio.StaticFile("init", string(exe), 0o755),
		cpio.StaticFile(BoardFile[1:], string(boardJSON), 0o444),
		cpio.StaticFile(root+"/modules.dep", string(modulesDep(mods)), 0o444),
		cpio.StaticFile(root+"/modules.alias", string(modulesAlias(mods)), 0o444),
		// The kernel opens /dev/console for PID 1 before anything is mounted.
		cpio.CharDev("dev/console", 0o600, 5, 1),
		cpio.CharDev("dev/null", 0o666, 1, 3),
	}
	for _, d := range []string{"dev", "etc", "proc", "root", "run", "sys", "tmp"} {
		records = append(records, cpio.Directory(d, 0o755))
	}
	for _, m := range mods {
		data, err := os.ReadFile(filepath.Join(l.Modules, filepath.FromSlash(m.file)))
		if err != nil {
			return nil, fmt.Errorf("read module %s: %w", m.file, err)
		}
		records = append(records, cpio.StaticFile(root+"/"+m.file, string(data), 0o444))
	}
	return withParents(records), nil
}

// fleetRoom is a multiple of what every fleet's part takes, so that one with another token has the same length and nothing
// else of an image moves.
const fleetRoom = 8 << 10

// FleetArchive returns the cpio archive that follows the initramfs and holds the fleet's part, which is JSON and filled up with spaces.
// It is not compressed and is readable only by root on the node.
func FleetArchive(fleet []byte) ([]byte, error) {
	padded := string(fleet) + strings.Repeat(" ", int(fleetSize(fleet))-len(fleet))
	return archive([]cpio.Record{
		cpio.Directory(path.Dir(FleetFile[1:]), 0o755),
		cpio.StaticFile(FleetFile[1:], padded, 0o400),
	})
}

// fleetSize is the size of the fleet's part, filled up.
func fleetSize(fleet []byte) int64 {
	return int64((len(fleet) + fleetRoom - 1) / fleetRoom * fleetRoom)
}

// FileArchive returns a cpio archive with one more file, to be appended to an initramfs as [FleetArchive] is. Tests put
// programs of their own into a guest with it.
func FileArchive(name string, data []byte, perm os.FileMode) ([]byte, error) {
	return archive(withParents([]cpio.Record{cpio.StaticFile(name, string(data), uint64(perm.Perm()))}))
}

// Concat writes archives one after the other. The kernel looks for the next one at a multiple of four bytes.
func Concat(w io.Writer, archives ...[]byte) error {
	for _, a := range archives {
		pad := make([]byte, -len(a)&3)
		if _, err := w.Write(append(a[:len(a):len(a)], pad...)); err != nil {
			return err
		}
	}
	return nil
}

// withParents adds the folders of all records and sorts them, so that each folder stands before what is in it.
func withParents(records []cpio.Record) []cpio.Record {
	have := map[string]bool{}
	for _, r := range records {
		have[r.Name] = true
	}
	for _, r := range records {
		for dir := path.Dir(r.Name); dir != "." && dir != "/" && !have[dir]; dir = path.Dir(dir) {
			have[dir] = true
			records = append(records, cpio.Directory(dir, 0o755))
		}
	}
	sort.SliceStable(records, func(i, j int) bool { return records[i].Name < records[j].Name })
	return records
}

// archive writes records as newc, with nothing in them that differs from one day or machine to the next.
func archive(records []cpio.Record) ([]byte, error) {
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	cpio.MakeAllReproducible(records)
	for i := range records {
		records[i].Ino = uint64(i + 1)
		records[i].NLink = 1
	}
	if err := cpio.WriteRecords(w, records); err != nil {
		return nil, fmt.Errorf("write cpio: %w", err)
	}
	if err := cpio.WriteTrailer(w); err != nil {
		return nil, fmt.Errorf("write cpio: %w", err)
	}
	return b.Bytes(), nil
}
