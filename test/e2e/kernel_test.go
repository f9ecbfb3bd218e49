package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/node/api"
)

const kernelsSource = `
import { kernel } from 'capo:kernel'
export const gray = kernel({ in: { r: 'u8', g: 'u8', b: 'u8' }, out: 'u8' }, ({ r, g, b }) => (77 * r + 150 * g + 29 * b + 128) >> 8)
export const sobel = kernel({ in: 'u8', window: [3, 3], out: 'u8c' }, w => {
  const gx = w[0][2] + 2 * w[1][2] + w[2][2] - w[0][0] - 2 * w[1][0] - w[2][0]
  const gy = w[2][0] + 2 * w[2][1] + w[2][2] - w[0][0] - 2 * w[0][1] - w[0][2]
  return Math.abs(gx) + Math.abs(gy)
})
`

const kernelsJob = `
import { gray, sobel } from './kernels.ts'
export const job = { name: 'pixels', in: 'frames', out: 'edges', kernels: { gray, edges: gray.pipe(sobel) }, place: { copies: 1 } }
export default {
  async queue(batch: any, env: any) {
    for (const m of batch.messages) await env.out.send(await env.kernels.edges(m.body, { width: 17 }))
  },
  async run(env: any) {
    const out: any = { names: Object.keys(env.kernels) }
    out.gray = Array.from(await env.kernels.gray(new Uint8Array([255, 255, 255, 0, 0, 0, 255, 0, 0]), { width: 3 }))
    try { await env.kernels.gray(new Uint8Array(5)) } catch (e: any) { out.refused = e.message }
    return out
  },
}
`

// grayOf is brightness by the definition.
func grayOf(rgb []byte) []byte {
	out := make([]byte, len(rgb)/3)
	for i := range out {
		out[i] = byte((77*int(rgb[3*i]) + 150*int(rgb[3*i+1]) + 29*int(rgb[3*i+2]) + 128) >> 8)
	}
	return out
}

// edgesOf is Sobel's operator by the definition, with the edge's pixels repeated.
func edgesOf(in []byte, width int) []byte {
	rows := len(in) / width
	at := func(y, x int) int { return int(in[min(max(y, 0), rows-1)*width+min(max(x, 0), width-1)]) }
	out := make([]byte, len(in))
	for y := range rows {
		for x := range width {
			gx, gy := 0, 0
			for d, weight := range []int{1, 2, 1} {
				gx += weight * (at(y+d-1, x+1) - at(y+d-1, x-1))
				gy += weight * (at(y+1, x+d-1) - at(y-1, x+d-1))
			}
			out[y*width+x] = byte(min(max(gx, -gx)+max(gy, -gy), 255))
		}
	}
	return out
}

// noise is the same bytes each time.
func noise(n int) []byte {
	source := rand.NewChaCha8([32]byte{5})
	b := make([]byte, n)
	_, _ = source.Read(b)
	return b
}

// webClient knows nothing but the fleet's CA.
func (o *operator) webClient() *http.Client {
	o.t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(o.capo("fleet", "show", "--ca"))) {
		o.t.Fatal("fleet show --ca printed no certificate")
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

// post sends a body with a token, and returns the status, the answer and its headers.
func post(t *testing.T, c *http.Client, url, token string, body []byte) (int, []byte, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out, resp.Header
}

func TestAJobsKernelsRunInItsCellsAndOverHTTP(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	nodes := o.up()
	o.file("kernels.ts", kernelsSource)
	file := o.file("pixels.ts", kernelsJob)
	var deployed struct{ Nodes, URLs []string }
	o.json(&deployed, "deploy", file)
	if len(deployed.Nodes) != 1 || len(deployed.URLs) != 2 || !strings.HasSuffix(deployed.URLs[1], "/v1/kernels/pixels/gray") {
		t.Errorf("deploy printed %+v", deployed)
	}
	const width, rows = 17, 13
	rgb := noise(3 * width * rows)
	gray := grayOf(rgb)

	t.Run("in a run", func(t *testing.T) {
		var results []api.Result
		o.json(&results, "run", file)
		if len(results) != 3 {
			t.Fatalf("%d results", len(results))
		}
		for _, r := range results {
			var got struct {
				Names   []string
				Gray    []int
				Refused string
			}
			if err := json.Unmarshal(r.Value, &got); err != nil || !r.OK || fmt.Sprint(got.Names, got.Gray) != "[edges gray] [255 0 77]" || !strings.HasPrefix(got.Refused, "gray: 5 bytes are not whole words") {
				t.Errorf("%s, %v, %+v", r.Value, err, r.Error)
			}
		}
	})
	t.Run("over a stream", func(t *testing.T) {
		frame := filepath.Join(o.dir, "frame.rgb")
		if err := os.WriteFile(frame, rgb, 0o644); err != nil {
			t.Fatal(err)
		}
		o.capo("put", "frames", frame)
		got := o.capo("get", "edges", "--from", "1", "-n", "1", "-f", "--raw")
		if want := edgesOf(gray, width); got != string(want) {
			t.Errorf("%d bytes differ from the %d of the definition", len(got), len(want))
		}
		if got := o.capo("curl", "/v1/kernels/pixels/gray?width=17", "--data-binary", "@"+frame); got != string(gray) {
			t.Errorf("capo curl gave %d bytes that differ", len(got))
		}
	})
	t.Run("over HTTP, on every node", func(t *testing.T) {
		c, token := o.webClient(), strings.TrimSpace(o.capo("token", "--role", "caller", "--job", "pixels"))
		for _, n := range nodes {
			base := "https://" + n.Address + "/v1/kernels/"
			status, out, head := post(t, c, base+"pixels/gray?width=17", token, rgb)
			if status != 200 || !bytes.Equal(out, gray) || head.Get("capo-ran-on") != "soft" {
				t.Errorf("%s: %d, %d bytes, %v", n.ID, status, len(out), head)
			}
			status, out, _ = post(t, c, base+"pixels/edges?width=17", token, rgb)
			if status != 200 || !bytes.Equal(out, edgesOf(gray, width)) {
				t.Errorf("%s: edges: %d, %d bytes", n.ID, status, len(out))
			}
		}
		other := strings.TrimSpace(o.capo("token", "--role", "caller", "--job", "other"))
		base := "https://" + nodes[0].Address + "/v1/kernels/pixels/"
		for _, tt := range []struct {
			name, path, token string
			body              []byte
			status            int
			want              string
		}{
			{"a width that does not divide", "gray?width=16", token, rgb, 400, "gray: 221 words are not whole rows of 16"},
			{"a frame that is cut", "gray", token, rgb[1:], 400, "are not whole words"},
			{"an unknown kernel", "median", token, rgb, 404, "has no kernel median"},
			{"too large a body", "gray", token, make([]byte, 64<<20+3), 413, "over the limit of"},
			{"another job's token", "gray", other, rgb, 403, "role may not do this"},
			{"no token", "gray", "", rgb, 401, ""},
		} {
			status, out, head := post(t, c, base+tt.path, tt.token, tt.body)
			if status != tt.status || head.Get("Content-Type") != "application/problem+json" || !strings.Contains(string(out), tt.want) {
				t.Errorf("%s: %d %s %s, want %d", tt.name, status, head.Get("Content-Type"), out, tt.status)
			}
		}
	})
	t.Run("a kernel that is none is refused with its place", func(t *testing.T) {
		bad := o.file("bad.ts", "import { kernel } from 'capo:kernel'\nlet n = 0\nconst count = kernel({ in: 'u8', out: 'u8' }, x => x + n++)\nexport const job = { kernels: { count } }\n")
		if r := o.try("deploy", bad); r.code != 1 || !strings.Contains(r.err, "bad.ts:3:") {
			t.Errorf("exit code %d: %s", r.code, r.err)
		}
	})
}
