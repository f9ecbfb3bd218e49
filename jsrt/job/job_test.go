package job

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseFillsInDefaults(t *testing.T) {
	got, err := Parse([]byte(`{"in":"frames","out":"edges"}`), "edges", []string{"run", "queue"})
	if err != nil {
		t.Fatal(err)
	}
	want := Job{
		Name: "edges", Handlers: []string{"queue", "run"}, In: "frames", Out: "edges", Dead: "edges.dead", Delivery: Once,
		Batch: Batch{64, 20}, Retry: Retry{3, 200, 5000}, Needs: Needs{MemBytes: 64 << 20, TimeMS: 30000},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseReadsEverySetting(t *testing.T) {
	got, err := Parse([]byte(`{"name":"a-1","in":"f","batch":{"size":16,"wait":"1s"},"delivery":"at-least-once","retry":{"max":0,"backoff":"1s..1m"},
		"dead":"f.bad","kernels":{"sobel":{"capo:kernel":true},"$g":{"capo:kernel":true}},"bind":{"API_KEY":"secret","db":"secret:db-password"},"needs":{"mem":"1G","time":"2m","arch":["arm64","amd64","arm64"],"prefer":"fpga","net":["api.lan:443"]},
		"place":{"on":"board=x","copies":3}}`), "x", []string{"queue"})
	if err != nil {
		t.Fatal(err)
	}
	want := Job{
		Name: "a-1", Handlers: []string{"queue"}, In: "f", Dead: "f.bad", Delivery: AtLeastOnce, Batch: Batch{16, 1000}, Retry: Retry{0, 1000, 60000},
		Bind:    map[string]string{"API_KEY": "secret:API_KEY", "db": "secret:db-password"},
		Kernels: []string{"$g", "sobel"},
		Needs:   Needs{MemBytes: 1 << 30, TimeMS: 120000, Arch: []string{"amd64", "arm64"}, Prefer: "fpga", Net: []string{"api.lan:443"}},
		Place:   Place{On: "board=x", Copies: 3},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseReadsAnAdminJob(t *testing.T) {
	for text, want := range map[string]Place{
		`{"admin":true}`: {},
		`{"admin":true,"place":{"order":"parallel"}}`:                 {},
		`{"admin":true,"place":{"order":"rolling"}}`:                  {Order: Rolling, Max: 1},
		`{"admin":true,"place":{"on":"a","order":"rolling","max":3}}`: {On: "a", Order: Rolling, Max: 3},
	} {
		got, err := Parse([]byte(text), "x", []string{"run"})
		if err != nil || !got.Admin || got.Place != want || got.Needs.Time() != AdminTime {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if got, err := Parse([]byte(`{"admin":false}`), "x", []string{"run"}); err != nil || got.Admin || got.Needs.Time() != RunTime {
		t.Errorf("admin: false: %+v, %v", got, err)
	}
}

func TestParseNamesTheFieldThatIsWrong(t *testing.T) {
	tests := []struct{ name, json, want string }{
		{"size", `{"needs":{"mem":"64Q"}}`, `job.needs.mem: "64Q" is not a size`},
		{"small", `{"needs":{"mem":"1M"}}`, `job.needs.mem: 1M is not between 16M`},
		{"size overflow", `{"needs":{"mem":"9223372036854775807G"}}`, `job.needs.mem: `},
		{"time as a number", `{"needs":{"time":30}}`, `job.needs.time: is not a time: write it as text`},
		{"time", `{"needs":{"time":"30 s"}}`, `job.needs.time: "30 s" is not a time`},
		{"negative time", `{"batch":{"wait":"-1s"}}`, `job.batch.wait: "-1s" is not a time`},
		{"zero time", `{"needs":{"time":"0s"}}`, `job.needs.time: is zero`},
		{"range", `{"retry":{"backoff":"5s..1s"}}`, `job.retry.backoff: "5s..1s" is empty`},
		{"batch", `{"batch":{"size":1.5}}`, `job.batch.size: is not a whole number between 1 and 1000`},
		{"unknown", `{"needs":{"memory":"1G"}}`, `job.needs.memory: is not a setting; there are mem, time`},
		{"later", `{"routes":["/x"]}`, `job.routes: is not there yet`},
		{"a kernel that is none", `{"kernels":{"a":{"in":"u8"}}}`, `job.kernels.a: is not a kernel: import { kernel }`},
		{"kernels in a list", `{"kernels":[{"capo:kernel":true}]}`, `job.kernels: is not an object`},
		{"a kernel's name", `{"kernels":{"a-b":{"capo:kernel":true}}}`, `job.kernels.a-b: "a-b" is not a name for a kernel`},
		{"delivery", `{"delivery":"twice"}`, `job.delivery: "twice" is not one of once, at-least-once`},
		{"name", `{"name":"A b"}`, `job.name: "A b" is not a name`},
		{"stream", `{"in":"a b"}`, `job.in: "a b" is not a stream's name`},
		{"stream with a wildcard", `{"in":"a.>"}`, `job.in: `},
		{"binding", `{"bind":{"x":"disk"}}`, `job.bind.x: "disk" is not a binding`},
		{"reserved binding", `{"bind":{"out":"secret"}}`, `job.bind.out: this name cannot be bound`},
		{"binding of a later version", `{"bind":{"x":"kv"}}`, `job.bind.x: kv is not there yet`},
		{"file of a later version", `{"bind":{"x":"blob:a.efi"}}`, `job.bind.x: blob:a.efi is not there yet`},
		{"secret without a name", `{"bind":{"x":"secret:"}}`, `job.bind.x: "" is not a secret's name`},
		{"secret whose name is a path", `{"bind":{"x":"secret:../x"}}`, `job.bind.x: "../x" is not a secret's name`},
		{"variable that is no secret's name", `{"bind":{"_x":"secret"}}`, `job.bind._x: "_x" is not a secret's name`},
		{"arch", `{"needs":{"arch":["mips"]}}`, `job.needs.arch[0]: "mips" is not one of amd64, arm, arm64`},
		{"copies", `{"place":{"copies":"some"}}`, `job.place.copies: "some" is neither`},
		{"net", `{"needs":{"net":["api.lan"]}}`, `job.needs.net[0]: "api.lan" is not host:port`},
		{"not an object", `[]`, `job: is not an object`},
		{"same stream", `{"in":"a","out":"a"}`, `job.out: is the stream that the job reads`},
		{"admin", `{"admin":"yes"}`, `job.admin: is neither true nor false`},
		{"admin with a queue", `{"admin":true,"in":"a"}`, `job.admin: an admin job has a run handler and no other`},
		{"admin with an output", `{"admin":true,"out":"a"}`, `job.out: is not for admin jobs`},
		{"admin with copies", `{"admin":true,"place":{"copies":2}}`, `job.place.copies: is not for admin jobs`},
		{"admin in another order", `{"admin":true,"place":{"order":"random"}}`, `job.place.order: "random" is not one of parallel, rolling`},
		{"admin with a maximum alone", `{"admin":true,"place":{"max":2}}`, `job.place.max: needs place.order: 'rolling'`},
		{"admin, none at a time", `{"admin":true,"place":{"order":"rolling","max":0}}`, `job.place.max: is not a whole number between 1`},
		{"order without admin", `{"place":{"order":"rolling"}}`, `job.place.order: is for admin jobs`},
		{"max without admin", `{"place":{"max":1}}`, `job.place.max: is for admin jobs`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handlers := []string{"queue"}
			if !strings.Contains(tt.json, `"in"`) {
				handlers = []string{"run"}
			}
			_, err := Parse([]byte(tt.json), "x", handlers)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := Parse([]byte("null"), "x", []string{"queue"}); err == nil || !strings.Contains(err.Error(), "job.in: is missing") {
		t.Errorf("a queue handler without a stream: %v", err)
	}
	if j, err := Parse([]byte(`{"kernels":{"a":{"capo:kernel":true}}}`), "x", nil); err != nil || len(j.Kernels) != 1 {
		t.Errorf("kernels and no handler: %+v, %v", j, err)
	}
	if _, err := Parse([]byte("null"), "x", nil); err == nil || !strings.Contains(err.Error(), "no handler") {
		t.Errorf("no handler: %v", err)
	}
}

func TestBackoffDoubles(t *testing.T) {
	r := Retry{BackoffMinMS: 200, BackoffMaxMS: 1000}
	for n, want := range map[int]time.Duration{1: 200, 2: 400, 3: 800, 4: 1000, 1000: 1000} {
		if got := r.Backoff(n); got != want*time.Millisecond {
			t.Errorf("after %d: %s, want %dms", n, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"in":"f","batch":{"size":1,"wait":"1s"},"retry":{"backoff":"1s..2s"},"needs":{"mem":"64M"}}`))
	f.Add([]byte(`{"place":{"copies":"all"},"bind":{"x":"kv"}}`))
	f.Add([]byte(`{"kernels":{"a":{"capo:kernel":true}}}`))
	f.Add([]byte(`{"admin":true,"place":{"order":"rolling","max":2}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		j, err := Parse(raw, "x", []string{"run"})
		if err != nil {
			return
		}
		if j.Needs.MemBytes < MinMem || j.Needs.TimeMS <= 0 || j.Batch.Size < 1 || j.Retry.BackoffMaxMS < j.Retry.BackoffMinMS {
			t.Errorf("accepted %s as %+v", raw, j)
		}
		if rolls := j.Place.Order == Rolling; rolls != (j.Place.Max > 0) || rolls && !j.Admin {
			t.Errorf("accepted %s as %+v", raw, j)
		}
	})
}
