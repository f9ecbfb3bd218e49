package images

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/images/fat"
)

// cardFiles are all files of a card: the board's own, Linux, and the loader's configuration.
func (c *contents) cardFiles() ([]fat.File, error) {
	switch loader(c.board) {
	case board.LoaderRaspi:
		return c.raspiFiles()
	case board.LoaderUBoot:
		return c.ubootFiles(), nil
	case board.LoaderUEFI:
		return append(c.boot, c.ukiFile()), nil
	}
	return nil, fmt.Errorf("board %s says of no boot loader what it reads", c.board.Name)
}

// ubootFiles is what U-Boot's distro boot reads (U-Boot, doc/develop/distro.rst; the form is the Boot Loader Specification's extlinux.conf).
func (c *contents) ubootFiles() []fat.File {
	files := append(c.boot, fat.Bytes("extlinux/extlinux.conf", c.extlinux("/")), fat.Bytes("kernel", c.kernel))
	files = append(files, c.dtbs...)
	return append(files, fat.Bytes("initrd", c.initrd))
}

func (c *contents) extlinux(prefix string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "default capo\nlabel capo\n  kernel %skernel\n  initrd %sinitrd\n", prefix, prefix)
	if c.dtb != nil {
		fmt.Fprintf(&b, "  fdt %s%s\n", prefix, c.dtbName())
	}
	fmt.Fprintf(&b, "  append %s\n", c.cmdline)
	return []byte(b.String())
}

// raspiFiles is what the Raspberry Pi's firmware reads (Raspberry Pi documentation, "config.txt"). It unpacks a kernel that is
// compressed with gzip by itself, and chooses the device tree by the model of the board.
func (c *contents) raspiFiles() ([]fat.File, error) {
	kernel, name := c.kernel, "kernel7.img"
	if c.board.Arch == "arm64" {
		name = "kernel8.img"
		var err error
		if kernel, err = gzipped(kernel); err != nil {
			return nil, err
		}
	}
	files := append(c.boot, fat.Bytes("config.txt", c.configTxt(name)), fat.Bytes("cmdline.txt", []byte(c.cmdline+"\n")), fat.Bytes(name, kernel))
	files = append(files, c.dtbs...)
	return append(files, fat.Bytes("initrd", c.initrd)), nil
}

func (c *contents) configTxt(kernel string) []byte {
	lines := []string{"kernel=" + kernel, "initramfs initrd followkernel"}
	if c.board.Arch == "arm64" {
		lines = append(lines, "arm_64bit=1")
	}
	return []byte(strings.Join(append(lines, c.board.Boot.Config...), "\n") + "\n")
}

// gzipped compresses a kernel unless it is already. The same bytes come out every time.
func gzipped(data []byte) ([]byte, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
