package kernels

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestFramesAreReadAsWritten(t *testing.T) {
	for _, name := range []string{"a.ppm", "a.pgm", "a.bin"} {
		want := Frame{2, []byte{1, 2, 3, 4, 5, 6, '\n', 255, 0, 9, 10, 11}}
		path := filepath.Join(t.TempDir(), name)
		if err := WriteFrame(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFrame(path)
		if err != nil || !bytes.Equal(got.Words, want.Words) {
			t.Errorf("%s: %v %v, want %v", name, got, err, want)
		}
		if isPicture(name) != (got.Width == 2) {
			t.Errorf("%s: width %d", name, got.Width)
		}
	}
	if err := WriteFrame(filepath.Join(t.TempDir(), "a.ppm"), Frame{2, []byte{1}}); err == nil {
		t.Error("a picture with a part of a pixel was written")
	}
}

func FuzzPicturesAreReadOrRefused(f *testing.F) {
	for _, name := range []string{"testdata/one.ppm", "testdata/row.pgm"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("P6\n3000000000 3000000000\n255\n"))
	f.Add([]byte("P5\n#of vips\n2 1\n255\n#\n"))
	f.Add([]byte("P5\n2 2\n255\nab"))
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := parsePicture(data)
		if err == nil && (frame.Width <= 0 || len(frame.Words)%frame.Width != 0) {
			t.Errorf("%d bytes in rows of %d", len(frame.Words), frame.Width)
		}
	})
}
