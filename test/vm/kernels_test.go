package vm

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/capodekappa/capo/node/api"
)

const kernelsJob = `
import { kernel } from 'capo:kernel'
const gray = kernel({ in: { r: 'u8', g: 'u8', b: 'u8' }, out: 'u8' }, ({ r, g, b }) => (77 * r + 150 * g + 29 * b + 128) >> 8)
const blur = kernel({ in: 'u8', window: [3, 3], out: 'u8' }, w => {
  let s = 0
  for (let y = 0; y < 3; y++) for (let x = 0; x < 3; x++) s += w[y][x] * [[1, 2, 1], [2, 4, 2], [1, 2, 1]][y][x]
  return (s + 8) >> 4
})
export const job = { name: 'pixels', kernels: { gray, blurred: gray.pipe(blur) } }
export default { run: async (env: any) => Array.from(await env.kernels.gray(new Uint8Array([255, 0, 0, 0, 0, 255]))) }
`

// kernels has each board run a job's kernels, in its cells and for whoever has curl, the fleet's CA and a caller's token.
func (f *fleet) kernels(t *testing.T) {
	path := filepath.Join(f.dir, "pixels.ts")
	if err := os.WriteFile(path, []byte(kernelsJob), 0o644); err != nil {
		t.Fatal(err)
	}
	f.must("deploy", path)
	var results []api.Result
	if err := json.Unmarshal([]byte(f.must("run", path, "-o", "json")), &results); err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.OK || strings.Join(strings.Fields(string(r.Value)), "") != "[77,29]" {
			t.Errorf("%s: %s, %+v", r.Node, r.Value, r.Error)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(f.must("fleet", "show", "--ca")))
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	token := strings.TrimSpace(f.must("token", "--role", "caller", "--job", "pixels"))
	const width, rows = 61, 31
	rgb := make([]byte, 3*width*rows)
	_, _ = rand.NewChaCha8([32]byte{3}).Read(rgb)
	gray := make([]byte, width*rows)
	for i := range gray {
		gray[i] = byte((77*int(rgb[3*i]) + 150*int(rgb[3*i+1]) + 29*int(rgb[3*i+2]) + 128) >> 8)
	}
	for _, n := range f.nodes() {
		for name, want := range map[string][]byte{"gray": gray, "blurred": blurred(gray, width)} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+n.Address+"/v1/kernels/pixels/"+name+"?width=61", bytes.NewReader(rgb))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := c.Do(req)
			if err != nil {
				t.Errorf("%s: %v", n.Board, err)
				continue
			}
			out, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != 200 || resp.Header.Get("capo-ran-on") != "soft" || !bytes.Equal(out, want) {
				t.Errorf("%s: %s: %d, %d bytes, %v, %v", n.Board, name, resp.StatusCode, len(out), resp.Header, err)
			}
		}
	}
}

// blurred is a frame under the weights 1 2 1, down and across, by the definition.
func blurred(in []byte, width int) []byte {
	out, rows := make([]byte, len(in)), len(in)/width
	for i := range out {
		sum := 8
		for k := range 9 {
			y, x := min(max(i/width+k/3-1, 0), rows-1), min(max(i%width+k%3-1, 0), width-1)
			sum += int(in[y*width+x]) * (2 - (k/3-1)*(k/3-1)) * (2 - (k%3-1)*(k%3-1))
		}
		out[i] = byte(sum >> 4)
	}
	return out
}
