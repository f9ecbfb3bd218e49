package cell

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// gray is a kernel as a node hands it to a cell.
const gray = `kernel
stage word 1 1
  in {"r": u8, "g": u8, "b": u8}
  out u8
  v0 = in 0 0 0
  v1 = in 1 0 0
  v2 = in 2 0 0
  v3 = const 77
  v4 = mul v0 v3
  v5 = const 150
  v6 = mul v1 v5
  v7 = const 29
  v8 = mul v2 v7
  v9 = add v4 v6
  v10 = add v9 v8
  v11 = const 8
  v12 = shr v10 v11
  give v12
end
`

func kernelConfig(handlers string) Config {
	cfg := testConfig(handlers)
	cfg.Kernels = map[string][]byte{"gray": []byte(gray), "broken": []byte("kernel\n")}
	return cfg
}

func TestKernelsAreCalled(t *testing.T) {
	c := start(t, kernelConfig(`async run(env) {
		const { gray, broken } = env.kernels
		const say = async f => { try { return Array.from(await f()) } catch (e) { return e.message } }
		const px = new Uint8Array([255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0])
		const out = gray(px)
		return {
			names: Object.keys(env.kernels), promise: out instanceof Promise, kind: (await out).constructor.name, out: Array.from(await out),
			buffer: await say(() => gray(px.buffer, { width: 2 })),
			view: await say(() => gray(new DataView(px.buffer, 6, 3))),
			words: await say(() => gray(new Uint16Array([0xffff, 0x00ff, 0xffff]))),
			none: await say(() => gray(new Uint8Array(0))),
			partial: await say(() => gray(px.subarray(1))),
			width: await say(() => gray(px, { width: 3 })),
			half: await say(() => gray(px, { width: 1.5 })),
			zero: await say(() => gray(px, { width: 0 })),
			text: await say(() => gray('abc')),
			nothing: await say(() => gray()),
			broken: await say(() => broken(px)),
			unknown: typeof env.kernels.sobel,
		}
	}`))
	got, err := c.Run(t.Context(), Run{Limit: patience(5 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"names":["broken","gray"]`, `"promise":true,"kind":"Uint8Array","out":[255,0,76,149]`, `"buffer":[255,0,76,149]`, `"view":[76]`, `"words":[255,178]`,
		`"none":[]`, `"partial":"gray: 11 bytes are not whole words`, `"width":"gray: 4 words are not whole rows of 3"`,
		`"half":"gray: width is 1.5`, `"zero":"gray: width is 0`, `"text":"gray: a kernel takes bytes`, `"nothing":"gray: a kernel takes bytes`,
		`"broken":"kernel broken: `, `"unknown":"undefined"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestAKernelThatDoesNotFitHasItsPosition(t *testing.T) {
	c := start(t, kernelConfig("async run(env) {\n await 0\n await env.kernels.gray(new Uint8Array(4)) }"))
	_, err := c.Run(t.Context(), Run{})
	var js *JSError
	if !errors.As(err, &js) || js.File != "test.js" || js.Line != 4 || !strings.Contains(js.Message, "gray: 4 bytes") {
		t.Errorf("error %#v, want test.js:4", err)
	}
}

func TestAKernelKeepsToTheTimeOfItsCall(t *testing.T) {
	c := start(t, kernelConfig(`async run(env) { const b = new Uint8Array(3 << 20); for (;;) await env.kernels.gray(b) }`))
	began := time.Now()
	_, err := c.Run(t.Context(), Run{Limit: 100 * time.Millisecond})
	if !errors.Is(err, ErrTimeout) || time.Since(began) > patience(5*time.Second) {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestAnAnswerThatCannotFitIsAnException(t *testing.T) {
	cfg := testConfig(`async run(env) { try { await env.kernels.widen(new Uint8Array(1 << 20)) } catch (e) { return e.message } }`)
	cfg.Kernels = map[string][]byte{"widen": []byte("kernel\nstage word 1 1\n  in u8\n  out [u32, 64]\n  v0 = in 0 0 0\n  give" + strings.Repeat(" v0", 64) + "\nend\n")}
	got, err := start(t, cfg).Run(t.Context(), Run{})
	if want := "widen: the answer would have 268435456 bytes, and half of the job's memory is 33554432"; err != nil || !strings.Contains(string(got), want) {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestEnvHasKernelsWithoutAny(t *testing.T) {
	c := start(t, testConfig(`run(env) { return [Object.keys(env.kernels).length, Object.isFrozen(env.kernels)] }`))
	if got, err := c.Run(t.Context(), Run{}); err != nil || string(got) != "[0,true]" {
		t.Errorf("%s, %v", got, err)
	}
}

func FuzzKernelsFrame(f *testing.F) {
	f.Add(appendKernels(nil, map[string][]byte{"a": []byte("kernel"), "b": nil}))
	f.Fuzz(func(t *testing.T, p []byte) {
		if kernels, err := parseKernels(p); err == nil && len(kernels) > len(p) {
			t.Errorf("%d kernels in %d bytes", len(kernels), len(p))
		}
	})
}
