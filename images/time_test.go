package images

import (
	"testing"
	"time"
)

func TestFilesOfAnImageHaveATimeThatWasChosen(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	if got := imageTime(); !got.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("SOURCE_DATE_EPOCH gives %v", got)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	if one, two := imageTime(), imageTime(); !one.Equal(two) || time.Since(one) < 0 {
		t.Errorf("without it there are two times, %v and %v", one, two)
	}
}
