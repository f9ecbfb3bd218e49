package house

import (
	"testing"

	"github.com/capodekappa/capo/node/api"
	"github.com/capodekappa/capo/queue/control"
)

func TestAManifestWithKernelsIsAsDescribed(t *testing.T) {
	m := goldenMembership(t)
	manifest := goldenManifest()
	for _, name := range []string{"gray", "sobel"} {
		text := []byte("the text of " + name)
		manifest.Kernels = append(manifest.Kernels, api.Kernel{Name: name, Part: api.Part{Digest: control.Digest(text), Bytes: int64(len(text))}})
	}
	if err := api.CheckKernels(manifest.Kernels); err != nil {
		t.Error(err)
	}
	c := &control.Record{Fleet: m.ID(), Log: goldenLog, Kind: control.KindJob, Target: "edges", Generation: 1, Time: goldenTime.UnixMilli()}
	if err := c.Seal(manifest); err != nil {
		t.Fatal(err)
	}
	if err := c.Sign(goldenKey()); err != nil {
		t.Fatal(err)
	}
	raw, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "control-job-kernels.json", raw)
}
