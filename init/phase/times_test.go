package phase

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestTimesBetweenMarks(t *testing.T) {
	tests := []struct {
		name  string
		marks Marks
		want  Times
	}{
		{"in order", Marks{0, 400 * ms, 500 * ms, 700 * ms, 1200 * ms, 1300 * ms},
			Times{0, 400 * ms, 100 * ms, 200 * ms, 500 * ms, 100 * ms, 1300 * ms}},
		{"an address before init was done", Marks{2000 * ms, 400 * ms, 500 * ms, 450 * ms, 1200 * ms, 1300 * ms},
			Times{2000 * ms, 400 * ms, 100 * ms, 0, 700 * ms, 100 * ms, 1300 * ms}},
		{"no address noticed", Marks{0, 400 * ms, 500 * ms, 0, 600 * ms, 600 * ms},
			Times{0, 400 * ms, 100 * ms, 0, 100 * ms, 0, 600 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.marks.Times()
			if got != tt.want {
				t.Errorf("Times() = %+v, want %+v", got, tt.want)
			}
			if sum := got.Linux + got.Init + got.Network + got.Join + got.Begin; sum != got.Total {
				t.Errorf("the parts take %v, and total is %v", sum, got.Total)
			}
		})
	}
}

func TestParseReadyReadsWhatTheLogWrites(t *testing.T) {
	for _, firmware := range []time.Duration{0, 1500 * ms} {
		want := Marks{firmware, 410 * ms, 530 * ms, 830 * ms, 1430 * ms, 1450 * ms}.Times()
		var b strings.Builder
		slog.New(slog.NewTextHandler(&b, nil)).LogAttrs(t.Context(), slog.LevelInfo, "capo: ready", want.Attrs()...)
		line := strings.Replace(b.String(), `msg="capo: ready"`, "[    1.460000] capo: ready", 1) + " log=abc id=x"
		if got, ok := ParseReady(line); !ok || got != want {
			t.Errorf("ParseReady(%q) = %+v, %v, want %+v", line, got, ok, want)
		}
		if strings.Contains(line, "firmware") != (firmware != 0) {
			t.Errorf("%q: a firmware of which nothing is known is no firmware of 0 s", line)
		}
	}
}

func TestParseReadyPassesOverOtherLines(t *testing.T) {
	for _, line := range []string{
		"", "capo: ready", "capo: ready log=a id=b since_boot=1.2s", "capo: already linux=1s init=1s network=1s join=1s begin=1s total=1s",
		"capo: ready linux=1s init=1s network=1s join=1s begin=1s total=", "capo: ready linux=-1s init=1s network=1s join=1s begin=1s total=1s",
	} {
		if got, ok := ParseReady(line); ok {
			t.Errorf("ParseReady(%q) = %+v, want none", line, got)
		}
	}
}

func FuzzParseReady(f *testing.F) {
	f.Add("capo: ready linux=0.41s init=0.12s network=0.00s join=0.60s begin=0.02s total=1.15s log=x")
	f.Add("capo: ready firmware=1h")
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := ParseReady(line)
		if !ok && got != (Times{}) {
			t.Errorf("ParseReady(%q) = %+v without saying that it is one", line, got)
		}
	})
}
