package flash

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

const imageSize = 9*mebibyte + 512

func TestWriteWritesAllAndComparesIt(t *testing.T) {
	m, image := used(12*mebibyte), picture(imageSize)
	stages := map[string]int64{}
	if err := Write(t.Context(), m, image, imageSize, func(stage string, done, _ int64) { stages[stage] = done }); err != nil {
		t.Fatal(err)
	}
	want := make([]byte, imageSize)
	if _, err := image.ReadAt(want, 0); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(m.data[:imageSize], want) {
		t.Error("the medium holds something else")
	}
	if stages["writing"] != imageSize || stages["comparing"] != imageSize {
		t.Errorf("progress ended at %v", stages)
	}
	if tail := m.data[len(m.data)-mebibyte:]; !bytes.Equal(tail, make([]byte, mebibyte)) {
		t.Error("the copy of an older GPT is still there")
	}
	if err := Compare(t.Context(), m, image, imageSize, nil, nil); err != nil {
		t.Errorf("comparing once more: %v", err)
	}
}

func TestACardThatIsTooSmallIsLeftAlone(t *testing.T) {
	m := used(8 * mebibyte)
	if err := Write(t.Context(), m, picture(imageSize), imageSize, nil); !errors.Is(err, ErrSmall) || m.written > 0 {
		t.Errorf("%v, %d bytes written", err, m.written)
	}
	if err := Compare(t.Context(), m, picture(imageSize), imageSize, nil, nil); !errors.Is(err, ErrSmall) {
		t.Errorf("comparing: %v", err)
	}
}

// looksWhole tells whether a board's ROM or firmware would take the medium for one with partitions.
func looksWhole(m *fake) bool { return !bytes.Equal(m.data[:512], make([]byte, 512)) }

func TestAMediumThatVanishesNeverLooksWhole(t *testing.T) {
	const seed = 4
	random := rand.New(rand.NewPCG(seed, 0))
	total := int64(imageSize + 2*mebibyte)
	moments := []int64{512, mebibyte, 2 * mebibyte, 3 * mebibyte, total - mebibyte, total - 513, total - 512}
	for range 30 {
		moments = append(moments, 512+random.Int64N(total-1024))
	}
	for _, at := range moments {
		m := used(12 * mebibyte)
		m.lostAt = at
		err := Write(t.Context(), m, picture(imageSize), imageSize, nil)
		if !errors.Is(err, errGone) || !strings.Contains(err.Error(), "not whole") {
			t.Errorf("gone after %d bytes: %v", at, err)
		}
		if looksWhole(m) {
			t.Errorf("gone after %d bytes of %d, and it looks whole", at, total)
		}
	}
}

func TestAWriteErrorLeavesTheFirstSectorZero(t *testing.T) {
	for _, at := range []int64{100, mebibyte, 5 * mebibyte, imageSize - 1} {
		m := used(12 * mebibyte)
		m.failAt = at
		err := Write(t.Context(), m, picture(imageSize), imageSize, nil)
		if err == nil || !strings.Contains(err.Error(), "input/output error") || !strings.Contains(err.Error(), "zeroed") {
			t.Errorf("a bad sector at %d: %v", at, err)
		}
		if looksWhole(m) {
			t.Errorf("a bad sector at %d: it looks whole", at)
		}
	}
}

func TestAMediumThatKeepsOtherBytesIsFound(t *testing.T) {
	for _, at := range []int64{1, mebibyte + 5, imageSize - 1} {
		m := used(12 * mebibyte)
		m.flip = at
		err := Write(t.Context(), m, picture(imageSize), imageSize, nil)
		if !errors.Is(err, ErrDiffers) || looksWhole(m) && at > 512 {
			t.Errorf("byte %d kept wrong: %v", at, err)
		}
	}
}

func TestInterruptingLeavesTheFirstSectorZero(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := used(12 * mebibyte)
	err := Write(ctx, m, picture(imageSize), imageSize, func(string, int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) || looksWhole(m) {
		t.Errorf("%v, looks whole: %v", err, looksWhole(m))
	}
}

func TestAnImageThatEndsEarlyIsAnError(t *testing.T) {
	m := used(12 * mebibyte)
	if err := Write(t.Context(), m, picture(imageSize-1), imageSize, nil); !errors.Is(err, io.ErrUnexpectedEOF) || looksWhole(m) {
		t.Errorf("%v", err)
	}
}

func TestCompareLeavesRangesOut(t *testing.T) {
	m, image := used(12*mebibyte), picture(imageSize)
	if err := Write(t.Context(), m, image, imageSize, nil); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{chunk - 1, chunk, chunk + 99} { // over the edge of what is read at once
		m.data[at] ^= 1
	}
	if err := Compare(t.Context(), m, image, imageSize, []Range{{chunk - 1, chunk + 100}}, nil); err != nil {
		t.Errorf("a difference that was left out: %v", err)
	}
	if err := Compare(t.Context(), m, image, imageSize, []Range{{chunk, chunk + 100}}, nil); !errors.Is(err, ErrDiffers) || !strings.Contains(err.Error(), "byte 4194303 ") {
		t.Errorf("a difference before the range: %v", err)
	}
}
