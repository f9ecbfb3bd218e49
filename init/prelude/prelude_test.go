package prelude

import (
	"testing"
	"testing/fstest"
	"time"
)

func TestFirmware(t *testing.T) {
	const s = time.Second
	fpdt := func(text string) fstest.MapFS {
		return fstest.MapFS{"sys/firmware/acpi/fpdt/boot/exitbootservice_end_ns": {Data: []byte(text)}}
	}
	tests := []struct {
		name        string
		root        fstest.MapFS
		first, last Moment
		want        time.Duration
	}{
		{"nothing tells", fstest.MapFS{}, Moment{At: s}, Moment{At: 2 * s}, 0},
		{"the table", fpdt("3500000000\n"), Moment{s, 5e9}, Moment{2 * s, 6e9}, 3500 * time.Millisecond},
		{"a table of nonsense", fpdt("-1\n"), Moment{At: s}, Moment{At: 2 * s}, 0},
		{"the counter at 1 GHz", fstest.MapFS{}, Moment{s, 5e9}, Moment{2 * s, 6e9}, 4 * s},
		{"the counter at 54 MHz", fstest.MapFS{}, Moment{s, 162e6}, Moment{3 * s, 270e6}, 2 * s},
		{"a counter that ran before the reset", fstest.MapFS{}, Moment{s, 5e12}, Moment{2 * s, 5e12 + 1e9}, 0},
		{"a counter that began with the kernel", fstest.MapFS{}, Moment{s, 5e8}, Moment{2 * s, 15e8}, 0},
		{"moments too close", fstest.MapFS{}, Moment{s, 5e9}, Moment{s + 1e6, 5e9 + 1e6}, 0},
		{"a counter that stands", fstest.MapFS{}, Moment{s, 5}, Moment{2 * s, 5}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Firmware(tt.root, tt.first, tt.last); got != tt.want {
				t.Errorf("Firmware() = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRanInit(t *testing.T) {
	tests := []struct {
		name    string
		records []string
		want    time.Duration
	}{
		{"nothing", nil, 0},
		{"as Linux writes it", []string{"6,338,404120,-;Freeing unused kernel memory: 1024K\n", "6,339,404711,-;Run /init as init process\n", "5,340,500000,-;capo: phase\n"}, 404711 * time.Microsecond},
		{"somebody else", []string{"5,340,x,-;Run /init as init process\n", "Run /init as init process", ";Run /init as init process"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := RanInit(tt.records); got != tt.want {
				t.Errorf("RanInit() = %v, want %v", got, tt.want)
			}
		})
	}
}

func FuzzRanInit(f *testing.F) {
	f.Add("6,339,404711,-;Run /init as init process\n")
	f.Fuzz(func(t *testing.T, record string) {
		if d := RanInit([]string{record}); d < 0 || d > longest {
			t.Errorf("RanInit(%q) = %v", record, d)
		}
	})
}
