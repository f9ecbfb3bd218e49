package images

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/capodekappa/capo/board"
	"github.com/capodekappa/capo/test/need"
)

// largest is what an image may hold, and what it may take when it is compressed.
const largest = 40e6

// TestEveryBoardsImageIsSmallLong makes a compressed image of each board that boots from a card or disk, with stand-ins for what users bring.
func TestEveryBoardsImageIsSmallLong(t *testing.T) {
	need.Long(t)
	need.Command(t, "apt-get")
	for _, name := range board.Names() {
		b, err := board.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range b.Formats {
			if isFolder(format) {
				continue
			}
			t.Run(name+" "+format, func(t *testing.T) {
				o := Options{Board: name, Format: format, Out: filepath.Join(t.TempDir(), "image.img.zst"), Files: t.TempDir()}
				for _, g := range b.Boot.Given {
					if err := os.WriteFile(filepath.Join(o.Files, g.To), make([]byte, 1<<20), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				r, err := NewSource("", nil).Build(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("%.1f MB of content, %.1f MB compressed, %d ms", float64(r.ContentBytes)/1e6, float64(r.Bytes)/1e6, r.TookMS)
				if r.ContentBytes > largest || r.Bytes > largest {
					t.Errorf("more than %.0f MB", largest/1e6)
				}
			})
		}
	}
}
