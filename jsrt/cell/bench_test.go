package cell

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/dop251/goja"

	"github.com/capodekappa/capo/jsrt"
)

// BenchmarkStart is from nothing to the first answer.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		c := start(b, testConfig(`run() { return 1 }`))
		if _, err := c.Run(b.Context(), Run{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = c.Close()
		b.StartTimer()
	}
}

const benchHandler = `async queue(batch, env) {
	for (const m of batch.messages) { const v = m.body; v.b = v.a.map(x => x * 10); await env.out.send(v) }
}`

const benchBody = `{"name":"sensor-17","a":[1,2,3,4,5,6,7,8,9,10],"unit":"mV","site":"lab","ok":true}`

// BenchmarkMessages is JSON in, ten multiplications, JSON out, in batches of 1, 16 and 64.
func BenchmarkMessages(b *testing.B) {
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := start(b, testConfig(benchHandler))
			msgs := make([]Message, n)
			for i := range msgs {
				msgs[i] = Message{Seq: uint64(i), Timestamp: time.Now(), Body: []byte(benchBody), Headers: map[string]string{"content-type": "application/json"}}
			}
			count := 0
			for b.Loop() {
				out, err := c.Queue(b.Context(), Batch{Messages: msgs})
				if err != nil || len(out.Sends) != n {
					b.Fatal(len(out.Sends), err)
				}
				count += n
			}
			b.ReportMetric(float64(count)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkInProcess is the same work without a cell.
func BenchmarkInProcess(b *testing.B) {
	r := jsrt.New(jsrt.Options{})
	if _, err := r.VM().RunString(`function f(t) { const v = JSON.parse(t); v.b = v.a.map(x => x * 10); return JSON.stringify(v) }`); err != nil {
		b.Fatal(err)
	}
	f, _ := goja.AssertFunction(r.VM().Get("f"))
	for b.Loop() {
		if _, err := f(goja.Undefined(), r.VM().ToValue(benchBody)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkBytes passes 64 KB through.
func BenchmarkBytes(b *testing.B) {
	c := start(b, testConfig(`async queue(batch, env) { for (const m of batch.messages) await env.out.send(m.body) }`))
	msgs := make([]Message, 8)
	for i := range msgs {
		msgs[i].Body = make([]byte, 64<<10)
	}
	b.SetBytes(8 * 64 << 10)
	for b.Loop() {
		if _, err := c.Queue(b.Context(), Batch{Messages: msgs}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory reports what an idle cell holds for itself.
func BenchmarkMemory(b *testing.B) {
	c := start(b, testConfig(`run() { return 1 }`))
	for b.Loop() {
		if _, err := c.Run(b.Context(), Run{}); err != nil {
			b.Fatal(err)
		}
	}
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Pid())); err == nil {
		b.ReportMetric(float64(field(string(text), "RssAnon")), "anon-KB")
		b.ReportMetric(float64(field(string(text), "VmRSS")), "rss-KB")
	}
}

func field(status, name string) (n int) {
	for i := range len(status) {
		if len(status[i:]) > len(name) && status[i:i+len(name)+1] == name+":" {
			_, _ = fmt.Sscan(status[i+len(name)+1:], &n)
			return n
		}
	}
	return 0
}

// BenchmarkHandlers is a batch inside the child, without pipes.
func BenchmarkHandlers(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	c := &child{setup: setup{Output: DefaultOutput}, out: null, replies: map[uint32]func(Value, error){}}
	c.logs = newThrottle(time.Now, lineBudget)
	c.rt = jsrt.New(jsrt.Options{Log: c.print})
	head := []byte(`{"file":"x.js"}`)
	payload := appendBytes(appendBytes(appendBytes(nil, head), testConfig(benchHandler).Bundle), "")
	if _, err := c.load(frame{payload: payload}); err != nil {
		b.Fatal(err)
	}
	msgs := make([]Message, 64)
	for i := range msgs {
		msgs[i] = Message{Seq: uint64(i), Timestamp: time.Now(), Body: []byte(benchBody), Headers: map[string]string{"content-type": "application/json"}}
	}
	request := appendBatch(nil, Batch{Messages: msgs})
	for b.Loop() {
		if _, err := c.answer(frame{kind: kindQueue, payload: request}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(64*b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkStartKernels is BenchmarkStart with a kernel, whose engine is made before.
func BenchmarkStartKernels(b *testing.B) {
	for b.Loop() {
		cfg := testConfig(`run() { return 1 }`)
		cfg.Kernels = map[string][]byte{"gray": []byte(gray)}
		c := start(b, cfg)
		if _, err := c.Run(b.Context(), Run{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = c.Close()
		b.StartTimer()
	}
}

// BenchmarkKernel has a cell run a kernel over a frame of 1080 rows, again and again.
func BenchmarkKernel(b *testing.B) {
	cfg := testConfig(`async run(env) {
		const frame = new Uint8Array(1920 * 1080 * 3), began = Date.now()
		for (let i = 0; i < 50; i++) await env.kernels.gray(frame, { width: 1920 })
		return (Date.now() - began) / 50
	}`)
	cfg.Kernels = map[string][]byte{"gray": []byte(gray)}
	c := start(b, cfg)
	for b.Loop() {
		out, err := c.Run(b.Context(), Run{})
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("%s ms a frame", out)
	}
}
