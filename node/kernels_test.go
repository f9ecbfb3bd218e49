package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/capodekappa/capo/fleet/trust"
	"github.com/capodekappa/capo/gateware/soft"
	"github.com/capodekappa/capo/jsrt/job"
	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue"
	"github.com/capodekappa/capo/queue/control"
)

// The texts of two kernels: invert, a word in and out, and widen, which gives 256 bytes for each.
const (
	invertText = "kernel\nstage word 1 1\n  in u8\n  out u8\n  v0 = in 0 0 0\n  v1 = const 255\n  v2 = sub v1 v0\n  give v2\nend\n"
	widenHead  = "kernel\nstage word 1 1\n  in u8\n  out [u32, 64]\n  v0 = in 0 0 0\n  give"
)

func widenText() string { return widenHead + strings.Repeat(" v0", 64) + "\nend\n" }

// deployKernels deploys a job that has these kernels and a handler that calls invert.
func (f *trusted) deployKernels(name string, texts map[string]string) api.Manifest {
	f.t.Helper()
	part := func(text string) api.Part {
		digest := control.Digest([]byte(text))
		if err := f.operator().PutBlob(f.t.Context(), digest, []byte(text)); err != nil {
			f.t.Fatal(err)
		}
		return api.Part{Digest: digest, Bytes: int64(len(text))}
	}
	settings, err := job.Parse([]byte("{}"), name, []string{"run"})
	if err != nil {
		f.t.Fatal(err)
	}
	m := api.Manifest{Name: name, File: "edges.js", Handlers: []string{"run"}, Settings: settings, Map: part("{}"),
		JS: part("var __capo = { default: { async run(env) { return Array.from(await env.kernels.invert(new Uint8Array([0, 1, 255]))) } } }")}
	for _, k := range sortedKeys(texts) {
		m.Kernels = append(m.Kernels, api.Kernel{Name: k, Part: part(texts[k])})
	}
	f.say(control.KindJob, name, m)
	return m
}

func sortedKeys(m map[string]string) []string {
	keys := []string{}
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// callKernel posts a frame.
func callKernel(ctx context.Context, c *api.Client, path string, body io.Reader) ([]byte, http.Header, error) {
	resp, err := c.Do(ctx, http.MethodPost, path, "application/octet-stream", body)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	return out, resp.Header, err
}

func TestKernelsAreCalledOverHTTP(t *testing.T) {
	f := newTrusted(t, "127.78.214.")
	f.up(nil)
	m := f.deployKernels("edges", map[string]string{"invert": invertText, "widen": widenText(), "broken": "kernel\n"})
	text, _ := f.token(trust.RoleCaller, time.Hour)
	caller := f.bearer(text)

	out, head, err := callKernel(t.Context(), caller, "/v1/kernels/edges/invert?width=2", bytes.NewReader([]byte{0, 1, 2, 255}))
	if err != nil || !bytes.Equal(out, []byte{255, 254, 253, 0}) || head.Get("capo-ran-on") != "soft" || head.Get("Content-Type") != "application/octet-stream" {
		t.Fatalf("%v, %v, %v", out, head, err)
	}
	if out, _, err := callKernel(t.Context(), f.operator(), "/v1/kernels/edges/invert", strings.NewReader("")); err != nil || len(out) != 0 {
		t.Errorf("an empty frame: %v, %v", out, err)
	}
	if out, _, err := callKernel(t.Context(), caller, "/v1/kernels/edges/widen", io.MultiReader(strings.NewReader("\x01"), strings.NewReader("\x02"))); err != nil || len(out) != 512 {
		t.Errorf("a body of unknown length: %d bytes, %v", len(out), err)
	}
	large := make([]byte, mostFrame+1)
	for _, tt := range []struct {
		name, path string
		body       []byte
		status     int
		text       string
	}{
		{"a width that does not divide", "edges/invert?width=3", make([]byte, 4), 400, "invert: 4 words are not whole rows of 3"},
		{"a width that is none", "edges/invert?width=x", nil, 400, `width="x"`},
		{"a width of zero", "edges/invert?width=0", nil, 400, `width="0"`},
		{"a negative width", "edges/invert?width=-1", nil, 400, `width="-1"`},
		{"an empty width", "edges/invert?width=", nil, 400, `width=""`},
		{"an unknown kernel", "edges/sobel", nil, 404, `no kernel sobel, it has ["broken" "invert" "widen"]`},
		{"a broken text", "edges/broken", nil, 500, "kernel broken: "},
		{"a frame over the limit", "edges/invert", large, 413, "over the limit of"},
		{"an answer over the limit", "edges/widen", large[:mostFrame/128], 413, "over the limit of"},
	} {
		_, _, err := callKernel(t.Context(), caller, "/v1/kernels/"+tt.path, bytes.NewReader(tt.body))
		if !api.IsStatus(err, tt.status) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %d and %q", tt.name, err, tt.status, tt.text)
		}
		var status *api.StatusError
		if errors.As(err, &status) && tt.status == 413 && status.Problem.Limit == 0 {
			t.Errorf("%s: %+v has no limit", tt.name, status.Problem)
		}
	}
	if _, _, err := callKernel(t.Context(), f.operator(), "/v1/kernels/none/invert", nil); !api.IsStatus(err, 404) || !strings.Contains(err.Error(), "no job none") {
		t.Errorf("an unknown job: %v", err)
	}
	f.wantRefusal("another job's kernels", "role", 403, "the kernels of other", func() error {
		_, _, err := callKernel(t.Context(), caller, "/v1/kernels/other/invert", nil)
		return err
	})
	viewer, _ := f.token(trust.RoleViewer, time.Hour)
	f.wantRefusal("a viewer", "role", 403, "role may not", func() error {
		_, _, err := callKernel(t.Context(), f.bearer(viewer), "/v1/kernels/edges/invert", nil)
		return err
	})
	t.Run("in a cell", func(t *testing.T) { f.runsKernels(m) })
	t.Run("a manifest with wrong kernels is refused", func(t *testing.T) {
		m.Kernels[0].Name = "z"
		_, err := f.operator().AppendControl(t.Context(), f.record(control.KindJob, "edges", m, nil, nil))
		if err == nil || !strings.Contains(err.Error(), "order of their names") {
			t.Errorf("%v", err)
		}
	})
	f.say(control.KindRemove, "edges", struct{}{})
	if _, _, err := callKernel(t.Context(), caller, "/v1/kernels/edges/invert", nil); !api.IsStatus(err, 404) || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("a stopped job: %v", err)
	}
}

// runsKernels has the job's run handler call its kernel.
func (f *trusted) runsKernels(m api.Manifest) {
	f.t.Helper()
	var rows []api.Node
	rows, err := f.operator().Nodes(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	answer, err := f.operator().AppendControl(f.t.Context(), f.record(control.KindRun, "edges-1", api.Run{Manifest: m, Nodes: map[string]string{"n1": rows[0].Boot}}, nil, nil))
	if err != nil {
		f.t.Fatal(err)
	}
	err = f.operator().Results(f.t.Context(), answer.Seq, func(r api.Result) error {
		if !r.OK || string(r.Value) != "[255,254,0]" {
			f.t.Errorf("result %+v %+v", r, r.Error)
		}
		return api.ErrStop
	})
	if err != nil {
		f.t.Error(err)
	}
}

func TestEnginesAreMadeOnceAndTheIdleOnesGo(t *testing.T) {
	k := newKernels(0, 1)
	var mu sync.Mutex
	made := map[string]int{}
	use := func(digest string, fail error) (func(), error) {
		_, letGo, err := k.use(t.Context(), digest, func() (*soft.Engine, error) {
			mu.Lock()
			made[digest]++
			mu.Unlock()
			if fail != nil {
				return nil, fail
			}
			return soft.Open(t.Context(), "invert", []byte(invertText))
		})
		return letGo, err
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if letGo, err := use("busy", nil); err != nil {
				t.Error(err)
			} else {
				letGo()
			}
		})
	}
	all.Wait()
	keep, err := use("busy", nil)
	if err != nil || made["busy"] != 1 {
		t.Fatalf("made %d times, %v", made["busy"], err)
	}
	defer keep()
	for i := range 2 * maxEngines {
		letGo, err := use(fmt.Sprint(i), nil)
		if err != nil {
			t.Fatal(err)
		}
		letGo()
	}
	if len(k.engines) > maxEngines || k.engines["busy"] == nil {
		t.Errorf("%d engines, the busy one among them: %v", len(k.engines), k.engines["busy"] != nil)
	}
	broken := errors.New("broken")
	for range 2 {
		if _, err := use("bad", broken); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	}
	if made["bad"] != 2 {
		t.Errorf("one that failed was tried %d times, want 2", made["bad"])
	}
}

func TestFramesShareTheMachinesMemory(t *testing.T) {
	k := newKernels(256<<20, 2)
	if k.frame != 16<<20 || k.memory != 64<<20 {
		t.Errorf("a frame of %d, %d for all", k.frame, k.memory)
	}
	if _, err := k.reserve(k.frame + 1); !errors.As(err, new(limitError)) {
		t.Errorf("%v", err)
	}
	var releases []func()
	for range 4 {
		release, err := k.reserve(k.frame)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	if _, err := k.reserve(1); !errors.Is(err, queue.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	releases[0]()
	if _, err := k.reserve(1); err != nil {
		t.Error(err)
	}
	if small := newKernels(8<<20, 1); small.frame != leastFrame {
		t.Errorf("a small machine's frame has %d", small.frame)
	}
}
