package cell

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The frames that docs/formats.md describes, byte by byte: an old node must be able to tell a new
// format by its version, so these files change only with frameVersion.
func TestFramesAreWhatTheyWere(t *testing.T) {
	value := appendValue(append(appendBytes(appendBytes(nil, "blobs"), "get"), 1), Value{Text, []byte("key")})
	head, err := json.Marshal(Scheduled{AttemptID: "5f3a9c01/7", Limit: 30 * time.Second, Time: 1_795_350_896_000, Cron: "*/5 * * * *"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		f    frame
	}{
		{"queue", frame{kind: kindQueue, number: 7, payload: appendBatch(nil, sampleBatch())}},
		{"outcome", frame{kind: kindResult, number: 7, payload: appendOutcome(nil, sampleOutcome())}},
		{"call", frame{kind: kindCall, number: 1, payload: value}},
		{"scheduled", frame{kind: kindScheduled, number: 8, payload: head}},
		{"log", frame{kind: kindLog, payload: []byte("\x02careful")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := hex.Dump(appendFrame(nil, tt.f))
			path := filepath.Join("testdata", tt.name+".frame.hex")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := golden(path)
			if err != nil || !bytes.Equal(want, []byte(got)) {
				t.Errorf("%v\ngot\n%swant\n%s", err, got, strings.TrimSpace(string(want)))
			}
		})
	}
}
