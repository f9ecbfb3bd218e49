package split

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"
)

func cut(t *testing.T, name string, in []byte) [][]byte {
	t.Helper()
	f, err := By(name)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	if err := f(bytes.NewReader(in), func(b []byte) error { out = append(out, bytes.Clone(b)); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMJPEGFramesDecode(t *testing.T) {
	var all bytes.Buffer
	for i := range 5 {
		if err := jpeg.Encode(&all, image.NewGray(image.Rect(0, 0, 33+i, 17)), nil); err != nil {
			t.Fatal(err)
		}
	}
	frames := cut(t, "mjpeg", all.Bytes())
	if len(frames) != 5 {
		t.Fatalf("%d frames, want 5", len(frames))
	}
	for i, f := range frames {
		img, err := jpeg.Decode(bytes.NewReader(f))
		if err != nil || img.Bounds().Dx() != 33+i {
			t.Errorf("frame %d: %v, %v", i, img, err)
		}
	}
}

func TestY4MFramesHaveTheirSize(t *testing.T) {
	in := "YUV4MPEG2 W3 H3 F25:1 C420jpeg\nFRAME\n" + strings.Repeat("a", 17) + "FRAME Ixyz\n" + strings.Repeat("b", 17)
	frames := cut(t, "y4m", []byte(in))
	if len(frames) != 2 || string(frames[1]) != strings.Repeat("b", 17) {
		t.Errorf("frames %q", frames)
	}
}

func TestPiecesAndLines(t *testing.T) {
	if got := cut(t, "3", []byte("abcdefgh")); len(got) != 3 || string(got[2]) != "gh" {
		t.Errorf("pieces %q", got)
	}
	if got := cut(t, "lines", []byte("a\nb\n")); len(got) != 2 {
		t.Errorf("lines %q", got)
	}
}

func FuzzCut(f *testing.F) {
	f.Add("mjpeg", []byte{0xFF, 0xD8, 0xFF, 0xD9})
	f.Add("y4m", []byte("YUV4MPEG2 W2 H2\nFRAME\n123456"))
	f.Fuzz(func(t *testing.T, name string, in []byte) {
		way, err := By(name)
		if err != nil {
			return
		}
		total := 0
		if err := way(bytes.NewReader(in), func(b []byte) error { total += len(b); return nil }); err == nil && total > len(in) {
			t.Errorf("%d bytes came out of %d", total, len(in))
		}
	})
}
