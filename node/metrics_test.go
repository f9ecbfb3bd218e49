package node

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

func TestSamplesAreWrittenAsThePrometheusFormatSays(t *testing.T) {
	plain := metric{"capo_a_total", counter, "A \\ and\na line.", nil}
	labelled := metric{"capo_b", gauge, "B.", []string{"x", "y"}}
	quantiles := metric{"capo_c_seconds", summary, "C.", []string{"job"}}
	var b bytes.Buffer
	e := newExposition(&b)
	e.add(&plain, 12)
	e.add(&labelled, 1.5, `say "hi"`, "a\\b\nc")
	e.add(&labelled, math.Inf(1), "", "é")
	e.add(&labelled, 1e21, "-", "-")
	e.part(&quantiles, "", 0.25, "quantile", "0.5", []string{"tick"})
	e.part(&quantiles, "_count", 3, "", "", []string{"tick"})
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	want := `# HELP capo_a_total A \\ and\na line.
# TYPE capo_a_total counter
capo_a_total 12
# HELP capo_b B.
# TYPE capo_b gauge
capo_b{x="say \"hi\"",y="a\\b\nc"} 1.5
capo_b{x="",y="é"} +Inf
capo_b{x="-",y="-"} 1e+21
# HELP capo_c_seconds C.
# TYPE capo_c_seconds summary
capo_c_seconds{job="tick",quantile="0.5"} 0.25
capo_c_seconds_count{job="tick"} 3
`
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	readExposition(t, b.String())
}

var (
	sampleForm = regexp.MustCompile(`^([a-z][a-z0-9_]*)(?:\{((?:[a-z_]+="(?:[^"\\]|\\[\\n"])*",?)*)\})? (\S+)$`)
	headForm   = regexp.MustCompile(`^# (HELP|TYPE) ([a-z][a-z0-9_]*) (.+)$`)
)

// readExposition reads a text as strictly as Prometheus' own tools do, and returns its samples.
func readExposition(t *testing.T, text string) map[string]float64 {
	t.Helper()
	samples, kinds := map[string]float64{}, map[string]string{}
	current := ""
	if !strings.HasSuffix(text, "\n") {
		t.Error("the last line has no end")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if head := headForm.FindStringSubmatch(line); head != nil {
			if head[1] == "TYPE" {
				if _, twice := kinds[head[2]]; twice {
					t.Errorf("%s has two types, or its samples are not together", head[2])
				}
				kinds[head[2]], current = head[3], head[2]
			}
			continue
		}
		sample := sampleForm.FindStringSubmatch(line)
		if sample == nil {
			t.Errorf("no sample: %q", line)
			continue
		}
		name := sample[1]
		switch suffix := strings.TrimPrefix(name, current); {
		case suffix == "":
		case kinds[current] == summary && slices.Contains([]string{"_sum", "_count"}, suffix):
		case kinds[current] == histogram && slices.Contains([]string{"_bucket", "_sum", "_count"}, suffix):
		default:
			t.Errorf("%s stands among the samples of %s, a %s", name, current, kinds[current])
		}
		value, err := strconv.ParseFloat(sample[3], 64)
		if err != nil || kinds[current] == counter && value < 0 {
			t.Errorf("%q: %v", line, err)
		}
		key := strings.TrimSuffix(line, " "+sample[3])
		if _, twice := samples[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		samples[key] = value
	}
	return samples
}

func TestMetricsFollowTheConventions(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range allMetrics {
		if seen[m.name] {
			t.Errorf("%s is there twice", m.name)
		}
		seen[m.name] = true
		if !regexp.MustCompile(`^capo_[a-z_]+$`).MatchString(m.name) || strings.HasSuffix(m.name, "_total") != (m.kind == counter) {
			t.Errorf("%s is no name of a %s", m.name, m.kind)
		}
		if regexp.MustCompile(`_(ms|millis|kb|mb|percent)\b`).MatchString(m.name) || !strings.HasSuffix(m.help, ".") {
			t.Errorf("%s: base units, and a sentence of help", m.name)
		}
		for _, l := range m.labels {
			if slices.Contains([]string{"le", "quantile", "job_name", "instance"}, l) {
				t.Errorf("%s has the label %s", m.name, l)
			}
		}
	}
}

// TestMetricsAreDescribed has docs/metrics.md hold one row for each metric; UPDATE=1 writes it.
func TestMetricsAreDescribed(t *testing.T) {
	path := filepath.Join("..", "docs", "metrics.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- metrics -->\n", "<!-- end -->\n"
	head, rest, ok := strings.Cut(string(data), begin)
	got, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %s…%s", path, begin, end)
	}
	var b strings.Builder
	b.WriteString("| metric | kind | labels | |\n|---|---|---|---|\n")
	for _, m := range allMetrics {
		labels := ""
		if len(m.labels) > 0 {
			labels = "`" + strings.Join(m.labels, "` `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, labels, m.help)
	}
	var reasons []string
	r := newRefusals()
	r.register()
	for reason := range r.all() {
		reasons = append(reasons, "`"+reason+"`")
	}
	slices.Sort(reasons)
	fmt.Fprintf(&b, "\nReasons of `capo_refused_total`: %s.\n\nOutcomes of `capo_scheduled_slots_total`: `%s`.\n", strings.Join(reasons, ", "), strings.Join(slotOutcomes[:], "`, `"))
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, []byte(head+begin+b.String()+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != b.String() {
		t.Errorf("%s does not describe the metrics (UPDATE=1 go test ./node -run MetricsAreDescribed mends it):\n%s", path, b.String())
	}
}

func scrape(t *testing.T, c *api.Client) map[string]float64 {
	t.Helper()
	resp, err := c.Do(t.Context(), "GET", "/metrics", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.Header.Get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8" {
		t.Fatalf("%v, %v", resp.Header, err)
	}
	return readExposition(t, string(body))
}

func TestANodeTellsItsMetrics(t *testing.T) {
	c := alone(t, "127.78.200.9")
	for _, m := range []struct {
		path, body string
	}{{"/v1/log", "{}"}, {"/v1/streams/frames", "12345"}} {
		if resp, err := c.Do(t.Context(), "POST", m.path, "", strings.NewReader(m.body)); err == nil {
			resp.Body.Close()
		}
	}
	stranger := api.New(c.Host(), &tls.Config{InsecureSkipVerify: true})
	for range 2 {
		if _, err := stranger.Do(t.Context(), "GET", "/metrics", "", nil); !api.IsStatus(err, 401) {
			t.Errorf("%v, want 401", err)
		}
	}
	_, _ = stranger.Do(t.Context(), "GET", "/v1/nodes?token=x", "", nil)
	got := scrape(t, c)
	want := map[string]float64{
		`capo_node_state{state="ready"}`: 1, `capo_node_state{state="lost"}`: 0, `capo_log_role{role="server"}`: 1, `capo_log_role{role="none"}`: 0, `capo_log_connected`: 1,
		`capo_fleet_nodes{state="ready"}`: 1, `capo_log_limit_bytes`: 64 << 20, `capo_stream_messages{stream="frames"}`: 1, `capo_log_lines_dropped_total`: 0,
		`capo_refused_total{reason="no_credentials"}`: 2, `capo_refused_total{reason="token_in_url"}`: 1, `capo_refused_total{reason="control_malformed"}`: 1,
		`capo_refused_total{reason="revoked"}`: 0, `capo_refused_total{reason="control_other_log"}`: 0,
		`capo_http_requests_total{route="GET /metrics",code="401"}`: 2, `capo_http_requests_total{route="POST /v1/log",code="400"}`: 1,
		`capo_http_requests_total{route="",code="400"}`: 1, `capo_http_request_duration_seconds_count{route="GET /metrics"}`: 2,
	}
	for key, value := range want {
		if v, ok := got[key]; !ok || v != value {
			t.Errorf("%s is %v (%v), want %v", key, v, ok, value)
		}
	}
	for _, key := range []string{"capo_uptime_seconds", "capo_memory_resident_bytes", "capo_goroutines", "capo_heartbeat_age_seconds", `capo_stream_bytes{stream="frames"}`,
		`capo_http_request_duration_seconds_bucket{route="GET /metrics",le="+Inf"}`, "capo_cpu_seconds_total"} {
		if got[key] <= 0 {
			t.Errorf("%s is %v", key, got[key])
		}
	}
}

func TestJobsAreMeasured(t *testing.T) {
	r := &runner{}
	r.begin(desiredJob{version: "12345678"}, "n1", func() {})
	r.setState(api.JobRunning)
	r.handled(3, 2, 20*time.Millisecond, 7)
	r.called(1, 30*time.Millisecond)
	r.fail(fmt.Errorf("no"), 0)
	s := &session{runners: map[string]*runner{"tick": r}}
	var b bytes.Buffer
	e := newExposition(&b)
	s.exposeJobs(e)
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	got := readExposition(t, b.String())
	for key, value := range map[string]float64{
		`capo_job_info{job="tick",version="12345678",state="running"}`: 1, `capo_job_records_read_total{job="tick"}`: 3, `capo_job_records_sent_total{job="tick"}`: 3,
		`capo_job_errors_total{job="tick"}`: 1, `capo_job_restarts_total{job="tick"}`: 0, `capo_job_lag_records{job="tick"}`: 7,
		`capo_job_call_seconds{job="tick",quantile="0.99"}`: 0.03, `capo_job_call_seconds_sum{job="tick"}`: 0.05, `capo_job_call_seconds_count{job="tick"}`: 2,
	} {
		if v, ok := got[key]; !ok || v != value {
			t.Errorf("%s is %v (%v), want %v", key, v, ok, value)
		}
	}
}

func TestRequestsAreCountedByRoute(t *testing.T) {
	s := newServed()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /a/{x}", func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("an answer cannot be flushed: %v", err)
		}
	})
	mux.HandleFunc("GET /b", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
	})
	for _, path := range []string{"/a/1", "/a/2", "/b", "/none"} {
		s.measured(mux).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	s.note("GET /slow", 200, time.Hour)
	s.note("GET /slow", 200, 5*time.Millisecond)
	var b bytes.Buffer
	e := newExposition(&b)
	s.expose(e)
	_ = e.close()
	got := readExposition(t, b.String())
	for key, value := range map[string]float64{
		`capo_http_requests_total{route="GET /a/{x}",code="200"}`: 2, `capo_http_requests_total{route="GET /b",code="418"}`: 1, `capo_http_requests_total{route="",code="404"}`: 1,
		`capo_http_request_duration_seconds_bucket{route="GET /slow",le="0.001"}`: 0, `capo_http_request_duration_seconds_bucket{route="GET /slow",le="0.005"}`: 1,
		`capo_http_request_duration_seconds_bucket{route="GET /slow",le="60"}`: 1, `capo_http_request_duration_seconds_bucket{route="GET /slow",le="+Inf"}`: 2,
		`capo_http_request_duration_seconds_count{route="GET /slow"}`: 2, `capo_http_request_duration_seconds_sum{route="GET /slow"}`: 3600.005,
	} {
		if v, ok := got[key]; !ok || v != value {
			t.Errorf("%s is %v (%v), want %v", key, v, ok, value)
		}
	}
}

func TestControlRecordsAreRefusedByReason(t *testing.T) {
	for _, r := range controlReasons {
		if got := controlReason(fmt.Errorf("wrapped: %w", r.err)); got != r.reason {
			t.Errorf("%v is counted as %s", r.err, got)
		}
	}
	if got := controlReason(fmt.Errorf("%w: %w", control.ErrMalformed, io.EOF)); got != "control_malformed" {
		t.Error(got)
	}
	if got := controlReason(io.EOF); got != "control_other" {
		t.Error(got)
	}
}
